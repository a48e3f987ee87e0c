@L3 @tier2 @mrr.75000 @container.redis @container.toxiproxy @container.upstream @container.platform
Feature: A limit is a limit, on every gateway and at any moment
  Customers pay for so many calls in a time, and the API behind the gateways is built for as many. A limit that lets
  more through lets one customer slow down all others; one that refuses too early takes away what was paid for.

  Customers call through two gateways, which count together in Redis. Over any 2 s a customer on the free plan has 10
  calls, and one on the pro plan 100. What was let in is counted at the API itself.

  Background:
    Given two gateways in front of the API

  Rule: Exactly as many calls get through as were paid for, whichever gateways they go through

    Scenario: Four times as many calls at once as the plan allows
      Given ada, a new customer on the pro plan
      When ada makes 400 calls at once, through both gateways in turn
      Then exactly 100 calls of ada get through to the API

  Rule: The limit holds over any window of time, and what was used comes back in time

    # Moments of admission are bracketed by the moments at which a call was sent and answered.
    Scenario: A customer who keeps calling never gets more than the limit, and is never refused too early
      Given ada, a new customer on the free plan
      When ada makes a call every 50 ms for 5 s, through both gateways in turn
      Then in no window of 2 s did more than 10 calls of ada get through, and none was refused that would have fitted

  Rule: One customer's calls never count against another

    Scenario: A customer who has used up everything takes nothing from the others
      Given ada, a new customer on the free plan
      And bob, a new customer on the free plan
      And ada has made 40 calls at once
      When bob makes 40 calls at once, through both gateways in turn
      Then exactly 10 calls of bob get through to the API
