@L3 @tier2 @mrr.75000 @container.redis @container.toxiproxy @container.upstream @container.platform
Feature: A limit is a limit, on every gateway and at any moment
  Customers pay for so many calls in a time, and the API behind the gateways is built for as many. A limit that lets
  more through lets one customer slow down all others; one that refuses too early takes away what was paid for.

  Customers call through two gateways, which count together in Redis. In any 2 s a customer on the free plan has 10
  calls, on the team plan 20, on the pro plan 50, for orders and for the catalogue together.
  Calls at once are for the one and the other in turn. What gets through is counted at the API itself.

  Background:
    Given two gateways in front of the API

  Rule: Exactly as many calls get through as were paid for, whichever gateways they go through

    # A gateway that looks first and counts then would let in all whose answers are still under way.
    Scenario: Four times as many calls at once as the plan allows
      Given ada, a new customer on the team plan
      And Redis's answers to both gateways are 100 ms late
      When ada makes 80 calls at once, through both gateways in turn
      Then exactly 20 calls of ada get through to the API

  Rule: The limit holds over any window of time, and what was used comes back in time

    # When a call was let in is not seen from outside: only what no such moment can explain is held against a gateway.
    Scenario: A customer who keeps calling never gets more than the limit, and is never refused too early
      Given ada, a new customer on the free plan
      When ada makes a call every 200 ms for 1 s, through both gateways in turn
      And ada makes a call every 50 ms for 4.2 s, through both gateways in turn
      Then in no window of 2 s did more than 10 calls of ada get through, and none was refused that would have fitted

    Scenario: Calls are forgotten one by one, and not all with the first of them
      Given ada, a new customer on the free plan
      When ada makes 1 call, 1.5 s later 9 calls at once, and 0.7 s after these 10 more
      Then in no window of 2 s did more than 10 calls of ada get through, and none was refused that would have fitted

    Scenario: Gateways whose clocks differ count together all the same
      Given ada, a new customer on the free plan
      And the second gateway's clock is 5 s ahead
      When ada makes 20 calls at once through the first gateway, and then as many through the second
      Then exactly 10 calls of ada get through to the API
      And every refusal tells ada to ask again, in 1 s at the earliest and in 2 s at the latest

  Rule: One customer's calls never count against another

    Scenario: A customer who has used up everything takes nothing from the others
      Given ada, a new customer on the free plan
      And bob, a new customer on the free plan
      And Redis's answers to both gateways are 100 ms late
      And ada has made 40 calls at once
      When bob asks for 3 items, 20 times at once, through both gateways in turn
      Then exactly 3 calls of bob get through to the API

  Rule: Whoever calls, and for whatever, is answered by their own calls and plan alone

    # What they call for is drawn anew each time: a few items, all that are left or one more, the whole plan, more than
    # that, nonsense, on a plan that nobody knows, on another plan for one call. Names differ in a capital, a blank, an
    # accent, at the end of 300 letters, or are somebody's address. Who has no account is known by an address: a load
    # balancer says by which a call came to it, of which it has seen the last itself and a caller may have written the
    # others. A household with IPv6 has a network of its own. An address may be spelt in many ways.
    Scenario: Customers whose names look alike, and callers without an account, each have a limit of their own
      When customers with names that look alike, and callers without an account, call at random, all at the same time
      Then none of the counts in Redis lives for longer than 4 s, and 5 s later none is left
      And every answer is right by the caller's own calls and plan: let in or not, what is left, and when to ask again

  Rule: A customer who changes plans keeps what was used, and gets what was bought

    Scenario: An upgrade adds the difference at once, and a downgrade gives nothing back
      Given ada, a new customer on the free plan
      And ada has made 15 calls at once
      When ada moves to the team plan, makes 15 calls at once, moves back to the free plan and makes 15 more
      Then exactly 20 calls of ada get through to the API

  Rule: A call counts for as much as it asks for, and what is refused costs nothing

    Scenario: A request for more items than are left is refused, and what is left can still be used
      Given ada, a new customer on the free plan
      When ada asks for 7 items, then for 4 items, 5 times, then for 3 items, through both gateways in turn
      Then exactly the requests for 7 and 3 items get through to the API, and each answer tells how many are left

    Scenario Outline: A request that makes no sense is refused and costs nothing: <request>
      Given ada, a new customer on the free plan
      When ada's request has <request>
      Then both gateways refuse it as <refusal>
      And one request of ada for all 10 items still gets through

      Examples:
        | request                                | refusal         |
        | no items                               | invalid         |
        | fewer than no items                    | invalid         |
        | a part of an item                      | invalid         |
        | items that are no number               | invalid         |
        | digits of another script               | invalid         |
        | more items than the plan allows at all | invalid         |
        | more items than any number can say     | invalid         |
        | a plan that nobody knows               | unauthenticated |
        | no plan                                | unauthenticated |
        | a customer without a name              | unauthenticated |

  Rule: Customers are told what is left, and when to come back

    Scenario: The limit, what is left of it, and when to ask again
      Given ada, a new customer on the free plan
      When ada makes 12 calls one after the other, through both gateways in turn
      Then each answer tells ada a limit of 10 calls in 2 s, and how many are left
      And every refusal tells ada to ask again, in 1 s at the earliest and in 2 s at the latest
      And what ada was refused last gets through once the time has passed that she was told

  Rule: Nothing of the limiter outlives what it counts

    # A crash between two commands: the connection breaks at one byte after the other of what a gateway says to Redis.
    Scenario: A count that broke off half-way ends by itself, too
      When 20 new customers call the first gateway, whose connection to Redis breaks a bit later each time
      Then none of the counts in Redis lives for longer than 4 s, and 5 s later none is left

  Rule: Without Redis each part of the API does what was decided for it, and nobody waits

    Scenario Outline: Orders are refused and the catalogue is shown, with a limit on each gateway, while <outage>
      Given ada, a new customer on the free plan
      And <outage>
      When ada makes 140 calls at once through the first gateway, and then 30 one after the other through both, for orders and to the catalogue
      Then no call for orders gets through
      And no gateway let more through in any 2 s than a plan allows, nor refused a call that fits the plan
      And all of that took at most 6 s longer than 4 times as many calls that need no Redis

      Examples:
        | outage                     |
        | Redis is down              |
        | Redis hangs                |
        | Redis refuses every change |

    Scenario: Each gateway counts everybody by itself while Redis is down
      Given Redis is down
      When customers with names that look alike, and callers without an account, call at random, all at the same time
      Then each gateway takes no orders, and answers all else by the caller's own calls to it and plan

    # The outage is a long one: gateways that look for Redis ever more rarely would be late.
    Scenario: When Redis is back, the gateways count together again, however slow it is
      Given ada, a new customer on the free plan
      And Redis's answers to both gateways are 100 ms late
      And Redis is down
      And ada makes a call every 200 ms for 4 s, through both gateways in turn
      When Redis is back
      Then within 3 s the gateways count together: of 40 calls at once of a new customer exactly 10 get through

    Scenario: Nobody waits for a Redis that hangs, is back, and hangs again
      Given ada, a new customer on the free plan
      And Redis hangs
      And ada makes a call every 200 ms for 3 s, through both gateways in turn
      And Redis is back
      And within 3 s the gateways count together: of 40 calls at once of a new customer exactly 10 get through
      When Redis hangs
      Then 30 calls of ada to the catalogue, one after the other, take at most 6 s longer than 4 times as many that need no Redis

    Scenario: A Redis that has forgotten the gateways' scripts is taught them again
      Given ada, a new customer on the free plan
      And Redis has forgotten every script 3 times, and was taught them again in between
      When ada makes 40 calls at once, through both gateways in turn
      Then exactly 10 calls of ada get through to the API
