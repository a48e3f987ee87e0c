"""The accounts by which the platform's nodes are in the database: what they may do, tried and looked up."""

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from support.capabilities.multi_tenant_isolation.client import Statement
from support.capabilities.multi_tenant_isolation.company import Company
from support.capabilities.multi_tenant_isolation.sweep import NO_PERMISSION, Findings, Sweep
from support.errors import ProbeError
from support.promise import must

if TYPE_CHECKING:
    from support.capabilities.multi_tenant_isolation.world import World


class Accounts:
    """Everything that the platform's accounts can try, in somebody's name or in nobody's."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._findings: list[Findings] = []

    def try_for(self, *labels: str) -> None:
        """Everything on every table, in these companies' names, with all that Globex has."""
        world = self._world
        self._try([world.small.speak_for(world.companies[label].id) for label in labels], [world.globex])

    def try_for_nobody(self) -> None:
        """The same in no name, in an empty one, and in one that nobody has."""
        world = self._world
        names = ["", world.small.absent_company()]
        self._try([[], *[world.small.speak_for(name) for name in names]], [world.acme, world.globex])

    def try_schema_of(self, label: str, strangers: list[str]) -> None:
        """Everything on the tables of a company's own schema, in strangers' names and in nobody's; then in its own."""
        world, company = self._world, self._world.companies[label]
        contexts = [world.small.speak_for(world.companies[stranger].id) for stranger in strangers] + [[]]
        self._try(contexts, [company], self.schema_of(company))
        self._findings_of_owner = self._read(world.small.speak_for(company.id), self.schema_of(company))

    def schema_of(self, company: Company) -> str:
        """The one schema that has the company's customers in it. ProbeError when there are several."""
        schemas = {row.schema for row in self._world.ground.rows(company.mark)}
        if len(schemas) != 1:
            raise ProbeError(f"{company.label}'s customers are in the schemas {schemas or 'of nobody'}")
        return schemas.pop()

    def expect_nothing_reached(self) -> None:
        """No row of whose is at stake was shown or changed. AssertionError with where, and by what."""
        shown = {f"{mark} in {sorted(places)}" for one in self._findings for mark, places in one.shown.items()
                 if mark in self._stakes}  # fmt: skip
        reached = [what for one in self._findings for what in one.reached]
        must(not shown, f"rows of others were shown: {'; '.join(shown)}")
        must(not reached, f"rows of others were reached: {'; '.join(reached)}")
        if not any(one.tried for one in self._findings):
            raise ProbeError("there was nothing to be tried")

    def expect_own_shown(self) -> None:
        """In Acme's name Acme's rows were shown: else it was not spoken in that name, and nothing was proved."""
        shown = self._findings[0].shown.get(self._world.acme.mark)
        if not shown:
            raise ProbeError(f"in Acme's name nothing of Acme's was shown; refused were {self._findings[0].refused}")

    def expect_superuser_shown(self) -> None:
        """The same questions show a superuser Globex's rows wherever Acme was shown its own. ProbeError if not."""
        world, own = self._world, self._findings[0].shown
        with closing(Sweep(world.fleet.stores["postgres"], world.ground.accounts()[0])) as sweep:
            found = sweep.read_as_superuser(world.globex.marks()).shown
        for mine, theirs in zip(world.acme.marks()[:2], world.globex.marks()[:2], strict=True):
            tables = {place for place in own.get(mine, set()) if not place.endswith("()")}
            if blind := tables - found.get(theirs, set()):
                raise ProbeError(f"{sorted(blind)} hold no row of Globex that the search would have found")

    def expect_all_refused(self) -> None:
        """The database has refused each try for want of permission. AssertionError with what came of the others."""
        self.expect_nothing_reached()
        for findings in self._findings:
            others = {what: state for what, state in findings.refused.items() if state != NO_PERMISSION}
            must(not others, f"refused, but not for want of permission: {others}")
            must(
                len(findings.refused) == findings.tried,
                f"of {findings.tried} tries only {findings.refused} were refused",
            )

    def expect_shown_to_owner(self, label: str) -> None:
        """In the name of whose schema it is the rows were shown. ProbeError if not, as nothing was proved then."""
        if self._world.companies[label].mark not in self._findings_of_owner.shown:
            raise ProbeError(f"in {label}'s name nothing was shown; refused were {self._findings_of_owner.refused}")

    def expect_alone_in_schema(self, label: str) -> None:
        """What is in tables of those names is the company's in its schema, and nobody's of it elsewhere.

        AssertionError with what is not.
        """
        ground, company = self._world.ground, self._world.companies[label]
        schema = self.schema_of(company)
        strangers = [row for one in self._world.others(company) for row in ground.rows(one.id) if row.schema == schema]
        must(not strangers, f"in {label}'s schema are {strangers[:3]}")
        mine = ground.rows(company.id)
        names = {row.name for row in mine if row.schema == schema}
        astray = [row for row in mine if row.name in names and row.schema != schema]
        must(not astray, f"{label}'s rows in other schemas: {astray[:3]}")

    def look_up(self) -> None:
        """What the database says that the accounts may do."""
        ground = self._world.ground
        self._rights = {
            "above row-level security": ground.too_mighty(),
            "owners": ground.belongings(),
            "lenient": ground.lenient_tables(),
            "borrowed rights": ground.borrowed_rights(),
            "remembered": ground.remembered_conditions(),
        }

    def expect_none(self, what: str) -> None:
        """Nothing of that kind was found. AssertionError with what was."""
        must(not self._rights[what], f"{what}: {', '.join(self._rights[what])}")

    def _try(self, contexts: Sequence[list[Statement]], stakes: Sequence[Company], schema: str | None = None) -> None:
        world = self._world
        self._stakes = {mark for company in stakes for mark in company.marks()}
        every = [mark for company in world.companies.values() for mark in company.marks()]
        for account in world.ground.accounts():
            with closing(Sweep(world.fleet.stores["postgres"], account, schema)) as sweep:
                for context in contexts:
                    self._findings.append(sweep.read(context, every))
                    self._findings += [sweep.write(context, company.id) for company in stakes]

    def _read(self, context: list[Statement], schema: str) -> Findings:
        (account, *_) = self._world.ground.accounts()
        with closing(Sweep(self._world.fleet.stores["postgres"], account, schema)) as sweep:
            return sweep.read(context, [mark for one in self._world.companies.values() for mark in one.marks()])
