"""Knows how schema.org writes a `JobPosting`, in all the forms that its open vocabulary allows.

Unknown fields are left. A description is HTML that came from elsewhere, so only an allowed set of tags survives.
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Annotated, Final, Self, TypeAlias

import nh3
from pydantic import BeforeValidator, Field, JsonValue, field_validator, model_validator

from tillit_cli.import_fields import (
    Line,
    OptionalEmail,
    OptionalLine,
    OptionalPhone,
    Unprinted,
    fault,
    is_orgnr,
    moment,
    readable,
)
from tillit_cli.json_ld import many, one, text_of

MAX_DESCRIPTION: Final = 50_000
ALLOWED_TAGS: Final = frozenset(
    {"a", "b", "blockquote", "br", "em", "h2", "h3", "h4", "i", "li", "ol", "p", "strong", "ul"}
)
_REMOVED_WITH_CONTENT: Final = frozenset(
    {"iframe", "math", "noscript", "object", "script", "style", "svg", "template", "textarea", "title"}
)
_ISO6523_NORWAY: Final = "0192:"
_CODE_BEFORE_LABEL: Final = re.compile(r"[0-9][0-9.\-]*\s*")


class Salary(Unprinted):
    """What the position pays, at least and at most."""

    currency: str
    minimum: Decimal
    maximum: Decimal
    unit: str | None


def _plain(value: JsonValue) -> JsonValue:
    """A text field, also as a value object, a named thing, a number or a list of them."""
    text = text_of(one(value))
    return str(text) if isinstance(text, int | float) and not isinstance(text, bool) else text


def _description(value: JsonValue) -> str:
    text = readable(text_of(one(value)))
    if not isinstance(text, str):
        raise fault("must be text")
    if len(text) > MAX_DESCRIPTION:
        raise fault("is too long")
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    clean = nh3.clean(
        text,
        tags=ALLOWED_TAGS,
        clean_content_tags=_REMOVED_WITH_CONTENT,
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto", "tel"},
        url_relative="deny",
    ).strip()
    if len(clean) > 2 * MAX_DESCRIPTION:
        raise fault("is too long")
    if not html.unescape(nh3.clean(clean, tags=set())).strip():
        raise fault("is empty")
    return clean


def _occupation(value: JsonValue) -> JsonValue:
    """The first label: codes of a classification (STYRK-08, ESCO) say nothing to the people who match on it."""
    labels = [text_of(category) for category in many(value)]
    for label in labels:
        if isinstance(label, str) and (word := _CODE_BEFORE_LABEL.sub("", label.strip(), count=1)):
            return word
    if any(isinstance(label, str) for label in labels):
        raise fault("has a code and no label")
    return labels[0] if labels else None


def _orgnr(value: JsonValue) -> str:
    text = _plain(value)
    if not isinstance(text, str):
        raise fault("must be an organisation number")
    compact = "".join(text.split()).upper().removeprefix(_ISO6523_NORWAY).removeprefix("NO").removesuffix("MVA")
    if not is_orgnr(compact):
        raise fault("is not an organisation number: nine digits with a right check digit")
    return compact


def _amount(value: JsonValue) -> Decimal:
    text = _plain(value)
    if not isinstance(text, str) or re.fullmatch(r"[0-9]{1,12}([.][0-9]{1,4})?", text, re.ASCII) is None:
        raise fault("is not an amount")
    return Decimal(text)


def _named(value: JsonValue) -> JsonValue:
    first = one(value)
    return {"name": first} if isinstance(first, str) else first


def _salary_value(value: JsonValue) -> JsonValue:
    first = one(value)
    return first if isinstance(first, dict) or first is None else {"value": first}


Amount: TypeAlias = Annotated[Decimal, BeforeValidator(_amount)]
Text: TypeAlias = Annotated[Line, BeforeValidator(_plain)]
OptionalText: TypeAlias = Annotated[OptionalLine, BeforeValidator(_plain)]


class _Organization(Unprinted):
    name: Text
    identifier: Annotated[str, BeforeValidator(_orgnr)]

    @model_validator(mode="before")
    @classmethod
    def _number_wherever_it_stands(cls, value: JsonValue) -> JsonValue:
        if isinstance(value, dict) and value.get("identifier") is None:
            for field in ("taxID", "vatID", "iso6523Code"):
                if value.get(field) is not None:
                    return value | {"identifier": value[field]}
        return value


class _Address(Unprinted):
    street_address: OptionalText = None
    postal_code: OptionalText = None
    address_locality: Text
    address_region: OptionalText = None


class _Place(Unprinted):
    address: _Address


class _ContactPoint(Unprinted):
    name: OptionalText = None
    job_title: OptionalText = None
    contact_type: OptionalText = None
    email: OptionalEmail = None
    telephone: OptionalPhone = None


class _Quantity(Unprinted):
    value: Amount | None = None
    min_value: Amount | None = None
    max_value: Amount | None = None
    unit_text: OptionalText = None


class _MonetaryAmount(Unprinted):
    currency: Text
    value: Annotated[_Quantity, BeforeValidator(_salary_value)]

    def told(self) -> Salary:
        told = [
            amount for amount in (self.value.value, self.value.min_value, self.value.max_value) if amount is not None
        ]
        return Salary(currency=self.currency, minimum=min(told), maximum=max(told), unit=self.value.unit_text)

    @field_validator("value")
    @classmethod
    def _tells_an_amount(cls, quantity: _Quantity) -> _Quantity:
        if quantity.value is None and quantity.min_value is None and quantity.max_value is None:
            raise fault("has no amount")
        return quantity


class PostingAsWritten(Unprinted):
    title: Text
    description: Annotated[str, BeforeValidator(_description)]
    date_posted: Annotated[datetime, BeforeValidator(partial(moment, end_of_day=False))]
    valid_through: Annotated[datetime, BeforeValidator(partial(moment, end_of_day=True))] | None = None
    hiring_organization: Annotated[_Organization, BeforeValidator(_named)]
    job_location: Annotated[tuple[_Place, ...], BeforeValidator(many), Field(min_length=1, max_length=50)]
    occupational_category: Annotated[Line, BeforeValidator(_occupation)]
    industry: OptionalText = None
    employment_type: Annotated[tuple[Line, ...], BeforeValidator(many), Field(max_length=20)] = ()
    identifier: OptionalText = None
    application_contact: Annotated[tuple[_ContactPoint, ...], BeforeValidator(many), Field(max_length=20)] = ()
    base_salary: Annotated[_MonetaryAmount | None, BeforeValidator(one)] = None
    direct_apply: Annotated[bool, Field(strict=True)] | None = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.valid_through is not None and self.valid_through <= self.date_posted:
            raise fault("validThrough: is before datePosted")
        return self
