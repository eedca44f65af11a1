"""What spans refer to by number: resources and profiles, kept while an open span needs them."""

from __future__ import annotations

from array import array

from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from collector import semconv
from collector.classify import NO_ATTEMPTS, SpanKind
from collector.decode.identity import LONGEST_RESOURCE, Resources, is_own
from collector.decode.native.numbers import Numbers, facts_of, notes_of
from collector.decode.native.scanner import Scanner
from collector.decode.profiles import NO_FACTS, Profile, Profiler
from collector.decode.wire import head
from collector.demand import Demand
from collector.statements import NO_STATEMENT
from collector.views import Resource

#: Live entries beyond which a table is swept (ours).
_MOST_PROFILES = 16_384
_MOST_RESOURCES = 10_000

#: Of the resources of open spans, the share that is kept beside them: what a resource takes in
#: memory is many times what a sweep costs for it.
_RESOURCES_SPARE = 4

_QUERY = frozenset(semconv.family("db.query.text"))


class Learned:
    """Resources and profiles by the numbers that the scanner knows them by.

    Args:
        demand: what is read of them.
    """

    def __init__(self, demand: Demand) -> None:
        self._profiler = Profiler(demand)
        self._interned = Resources(demand.resource_keys)
        self._resources: list[Resource | None] = []
        self._free_resources: list[int] = []
        self._resource_numbers: dict[int, int] = {}
        self._most_resources = _MOST_RESOURCES
        self._profiles: list[Profile | None] = []
        self._most_profiles = _MOST_PROFILES
        self._scanner: Scanner
        #: By which the pass over a finished trace compares.
        self.numbers = Numbers()

    def serve(self, scanner: Scanner) -> None:
        """Teach a scanner all that is learned from here on.

        Args:
            scanner: made with `intern`.
        """
        self._scanner = scanner
        for number, kind in enumerate(SpanKind):
            self._keep_profile(number, Profile("", kind, 0, {}, "", "", failed=False, route="",
                                               attempts=NO_ATTEMPTS, statement=NO_STATEMENT,
                                               facts=NO_FACTS))  # fmt: skip

    def intern(self, raw: bytes) -> int:
        """The number of a resource, doubled, and one more if it is the auditor itself."""
        message = ResourceMessage.FromString(head(raw, LONGEST_RESOURCE))
        message.DiscardUnknownFields()
        resource = self._interned.intern(message)
        known = self._resource_numbers.get(resource.identity)
        if known is not None:
            return known << 1 | is_own(resource)
        return self._keep_resource(resource) << 1 | is_own(resource)

    def _keep_resource(self, resource: Resource) -> int:
        taken = self.numbers.take_resource(resource)
        if self._free_resources:
            number = self._free_resources.pop()
            self._resources[number] = resource
        else:
            number = len(self._resources)
            self._resources.append(resource)
        self._scanner.traces.learn_resource(number, resource.identity, *taken)
        self._resource_numbers[resource.identity] = number  # last, so that it is known as a whole
        return number

    @property
    def resources(self) -> list[Resource | None]:
        """By number; never changed where one of them is forgotten."""
        return self._resources

    def resource(self, number: int) -> Resource:
        """The one with a number."""
        resource = self._resources[number]
        if resource is None:
            raise LookupError("an item without a resource")
        return resource

    def profile(self, number: int) -> Profile:
        """The one with a number."""
        profile = self._profiles[number]
        if profile is None:
            raise LookupError("a span without a profile")
        return profile

    def learn_profile(self, number: int, raw: bytes, *, bare: bool) -> None:
        """Read the profile of a span.

        Args:
            number: that it has from here on.
            raw: the span.
            bare: whether its query is left out.
        """
        span = SpanMessage.FromString(raw)
        if bare:
            left = [pair for pair in span.attributes if pair.key not in _QUERY]
            del span.attributes[:]
            span.attributes.extend(left)
        profile, _, _ = self._profiler.read(span)
        self._keep_profile(number, profile)

    def _keep_profile(self, number: int, profile: Profile) -> None:
        self._pad_profiles(number + 1)
        self._release_profile(number)
        taken = self.numbers.take_profile(profile)
        self._profiles[number] = profile
        self._scanner.traces.learn_profile(
            number,
            profile.kind,
            *taken,
            facts_of(profile),
            notes_of(profile) if number >= len(SpanKind) else 0,
        )

    def _pad_profiles(self, count: int) -> None:
        """Numbers may have been given for spans that were dropped again."""
        self._profiles += [None] * (count - len(self._profiles))

    def _release_profile(self, number: int) -> None:
        profile = self._profiles[number]
        if profile is not None:
            self._profiles[number] = None  # first, so that no failure releases it twice
            self.numbers.release_profile(profile)

    # ------------------------------------------------------------------ forgetting

    @property
    def many(self) -> bool:
        """Whether it is time to sweep."""
        return self._many_profiles or self._many_resources

    @property
    def _many_profiles(self) -> bool:
        return bool(self._scanner.profiles.in_use > self._most_profiles)

    @property
    def _many_resources(self) -> bool:
        return len(self._resource_numbers) > self._most_resources

    def sweep(self) -> None:
        """Forget profiles or resources of which no open span is left, when there are many.

        Numbers that the scanner counted by must have been taken from it before.
        """
        self._pad_profiles(self._scanner.profiles.count)
        profiles = bytearray(len(self._profiles) + 1)
        resources = bytearray(len(self._resources) + 1)
        self._scanner.traces.used(profiles, resources)
        if self._many_profiles:
            self._sweep_profiles(profiles)
        if self._many_resources:
            self._sweep_resources(resources)

    def _sweep_profiles(self, used: bytearray) -> None:
        table = self._scanner.profiles
        free = array("I", (at for at in range(len(SpanKind), table.count) if not used[at]))
        table.forget(free)  # first, so that no failure leaves a number without what it stands for
        for at in free:
            self._release_profile(at)
        self._most_profiles = max(_MOST_PROFILES, 2 * table.in_use)

    def _sweep_resources(self, used: bytearray) -> None:
        self._scanner.forget_resources()  # first, for the same reason
        # A list of its own: batches that were handed over may not have been looked at yet.
        resources = self._resources = self._resources.copy()
        for at, resource in enumerate(resources):
            if resource is not None and not used[at]:
                if self._resource_numbers.get(resource.identity) == at:
                    del self._resource_numbers[resource.identity]
                resources[at] = None
                self._free_resources.append(at)
                self.numbers.release_resource(resource)
        kept = len(self._resource_numbers)
        self._most_resources = max(_MOST_RESOURCES, kept + kept // _RESOURCES_SPARE)
