"""The page behind the link of the mail that announces a deletion, in Norwegian. Opening it changes nothing.

It has a button and no script: mail scanners and previews that follow links take nothing back.
"""

from typing import Final

_PAGE: Final = """<!doctype html>
<html lang="nb"><head><meta charset="utf-8"><meta name="robots" content="noindex"><title>{title}</title></head>
<body><h1>{title}</h1><p>{text}</p>{form}</body></html>
"""

ASK: Final = _PAGE.format(
    title="Avbryt slettingen",
    text="Profilen din er i ferd med å bli slettet. Vil du beholde den?",
    form='<form method="post"><button>Avbryt slettingen og behold profilen</button></form>',
)
CANCELLED: Final = _PAGE.format(
    title="Slettingen er avbrutt", text="Profilen din er som før. Du kan logge inn som vanlig.", form=""
)
GONE: Final = _PAGE.format(
    title="Lenken virker ikke lenger", text="Den er brukt, slettingen er avbrutt, eller den er gjennomført.", form=""
)
