"""One table of a holder: whose rows they are, what ends them, and what each of its columns is."""

from dataclasses import dataclass

from contracts.personal import Category, SubjectId
from contracts.purposes import PurposeId


@dataclass(frozen=True, slots=True)
class Clock:
    """When a rule ends a row: so many months and days after the time in this column; never, while that is null."""

    column: str
    months: int = 0
    days: int = 0

    @property
    def due(self) -> str:
        """The moment, as SQL; the names in it are the declaration's."""
        return f"{self.column} + make_interval(months => {self.months}, days => {self.days})"


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """One table with personal data: whose rows they are, which category, what ends them, and what each column is.

    Erasing deletes the person's rows. A table whose rows are of several categories is declared once for each, with the
    same `category_column`, and only the rows that name the category there are meant. `sealed` columns hold blobs,
    `plain` ones values that are searched: hashes, or words in indexed columns of an UNLOGGED table that is made of sealed
    rows and made anew of them, so that no write-ahead log and no backup holds them (R8). `other` are ids and times that say
    nothing by themselves. `several` is the uuid[] column of rows about several people, whose owner is null: such a row is
    each one's, and goes when the first of them is erased. `record` is the column by whose id a hold names a single row; by
    default the owner's, where a person has one row. `purposes` are what it is kept for; by default what the service is
    registered for with that category, which a law allows where it is one. `clock` is the rule where that is a time. What is
    not `holdable` is kept back by no hold: because the service can't open it, or because it is evidence of nothing.
    """

    table: str
    category: Category
    owner: str
    rule: str
    sealed: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    category_column: str | None = None
    record: str | None = None
    purposes: tuple[PurposeId, ...] = ()
    clock: Clock | None = None
    holdable: bool = True
    several: str | None = None

    @property
    def record_column(self) -> str:
        return self.record or self.owner

    @property
    def columns(self) -> frozenset[str]:
        named = {name for name in (self.category_column, self.several) if name is not None}
        return frozenset({self.owner, *named, *self.sealed, *self.plain, *self.other})

    def rows_of(self, subject: SubjectId) -> tuple[str, tuple[object, ...]]:
        """The condition that finds the person's rows, and its arguments; the names in it are the declaration's."""
        mine = self.is_of("$1")
        if self.category_column is None:
            return mine, (subject,)
        return f"{mine} AND {self.category_column} = $2", (subject, self.category)

    def is_of(self, person: str) -> str:
        """The condition that a row is this person's, alone or with others; `person` is a uuid, as SQL."""
        if self.several is None:
            return f"{self.owner} = {person}"
        return f"({self.owner} = {person} OR {self.several} @> ARRAY[{person}::uuid])"
