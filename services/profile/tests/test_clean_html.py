"""An advert shows text, lists and links, and does nothing."""

import pytest
from profile_service.clean_html import clean_html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '<img src="https://tracker.example/p.gif" onerror="x()">',
        '<p style="position:fixed" onclick="x()">',
        '<a href="javascript:x()">',
        "<iframe src=//evil.example>",
        "<svg/onload=x()>",
    ],
)
def test_what_runs_loads_or_frames_is_taken_away(hostile: str) -> None:
    clean = clean_html(f"<p>Hei</p>{hostile}<ul><li>en</li></ul>") or ""
    assert "Hei" in clean
    assert not any(word in clean for word in ("script", "onerror", "onclick", "onload", "<img", "<iframe", "style"))


@pytest.mark.parametrize("empty", ["", "<p> </p>", "<p>&nbsp;</p>", "<script>x</script>"])
def test_a_description_without_text_is_none(empty: str) -> None:
    assert clean_html(empty) is None
