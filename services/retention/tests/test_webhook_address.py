"""A webhook leads to https on the public internet and nowhere else, whatever its name resolves to."""

import pytest
from retention_service.webhook_address import BadWebhook, checked, resolved


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "255.255.255.255", "[::1]", "[fe80::1]", "[fd00::1]", "[ff02::1]"),
        *("[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[2002:7f00:1::]", "2130706433", "0x7f.1"),
    ],
)
async def test_an_address_of_a_private_network_is_refused(host: str) -> None:
    with pytest.raises(BadWebhook):
        await resolved(f"https://{host}/hook", private=False)


@pytest.mark.parametrize(
    ("webhook", "url", "host"),
    [
        ("https://93.184.216.34/hook?a=1", "https://93.184.216.34:443/hook?a=1", "93.184.216.34"),
        ("https://93.184.216.34:8443", "https://93.184.216.34:8443/", "93.184.216.34:8443"),
        ("https://[2606:2800:220:1::1]/x", "https://[2606:2800:220:1::1]:443/x", "[2606:2800:220:1::1]"),
    ],
)
async def test_a_public_address_is_asked_as_it_was_looked_at(webhook: str, url: str, host: str) -> None:
    target = await resolved(webhook, private=False)
    assert (target.url, target.host_header) == (url, host)


UNFIT = [
    *("http://93.184.216.34/", "file:///etc/passwd", "https://", "https://a@b.example/"),
    *("https://b.example/\x01", "https://b.example/" + "x" * 2_000, "https://b..example/"),
]


@pytest.mark.parametrize("webhook", UNFIT, ids=range(len(UNFIT)))
def test_another_form_of_address_is_refused(webhook: str) -> None:
    with pytest.raises(BadWebhook):
        checked(webhook, private=False)


def test_plain_http_is_for_tests_and_the_local_stack() -> None:
    assert checked("http://127.0.0.1:8080/hook", private=True).port == 8080
    with pytest.raises(BadWebhook):
        checked("ftp://127.0.0.1/hook", private=True)


async def test_a_name_that_nobody_knows_is_refused_and_is_not_repeated() -> None:
    with pytest.raises(BadWebhook) as refused:
        await resolved("https://nobody-knows-this.invalid/hook", private=False)
    assert "nobody-knows-this" not in str(refused.value)


async def test_a_name_outside_ascii_is_asked_as_headers_and_certificates_have_it() -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in "localhost")
    target = await resolved(f"http://{wide}:8080/hook", private=True)
    assert (target.host, target.host_header) == ("localhost", "localhost:8080")
    with pytest.raises(BadWebhook):
        await resolved(f"https://{wide}/hook", private=False)
