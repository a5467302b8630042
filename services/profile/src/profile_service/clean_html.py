"""Knows which HTML an advert may hold: text, lists and links; nothing that runs, loads or frames."""

import html
from typing import Final

import nh3

_TAGS: Final = {"p", "br", "ul", "ol", "li", "strong", "em", "b", "i", "h2", "h3", "h4", "blockquote", "a"}
_SCHEMES: Final = {"https", "http", "mailto", "tel"}


def clean_html(written: str) -> str | None:
    """The allowed part; None when no text is left."""
    clean = nh3.clean(
        written,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener nofollow",
    )
    return clean if html.unescape(nh3.clean(clean, tags=set())).strip() else None
