@L3 @tier3 @mrr.50000 @container.redis @container.toxiproxy @container.upstream @container.platform
Feature: A broken neighbour does not break us
  When a service that we depend on fails, customers of everything else must not notice, and the service must be left in
  peace until it is well. A gateway that keeps calling it holds up all its callers, and keeps the service from recovering.

  Each of two gateways has a circuit breaker of its own for each service. It looks at the last 20 calls of the last 2 s and
  opens when at least 10 were made and half of them failed; then the service gets no calls for 2 s, and later for 3 s. After that 3 calls are let through: when all of them go well, it closes. Calls are counted at the service.

  Background:
    Given two gateways in front of a service

  Rule: A breaker opens when enough calls fail, and not at the first ones

    Scenario: The tenth failure opens it, and from then on the service gets no calls
      Given the service fails
      When 60 calls are made through the first gateway
      Then exactly 10 calls reach the service
      And the other 50 callers hear at once that it was not asked, and when to ask again

    Scenario: Failures that are older than the window are forgotten
      Given the service fails
      And 9 calls were made through the first gateway, and 2.2 s have passed
      When 9 calls are made through the first gateway
      Then exactly 18 calls reach the service

    Scenario Outline: A service that <fails> is left in peace, too
      Given the service <fails>
      When 40 calls are made at once through the first gateway, and then 20 more
      Then none of these 20 reaches the service

      Examples:
        | fails                                    |
        | says that it is unavailable              |
        | never answers                            |
        | breaks the connection                    |
        | begins an answer and falls silent        |
        | breaks off in the middle of an answer    |
        | answers correctly, but only after 1 s    |

    Scenario Outline: A service that tells a caller <something> is not taken for broken
      Given the service tells its callers <something>
      When 30 calls are made through the first gateway
      Then exactly 30 calls reach the service

      Examples:
        | something                        |
        | that there is no such thing      |
        | that this caller asks too often  |
        | that this caller is not known    |

    Scenario: Callers who hang up do not make a slow service a broken one
      Given the service lets its callers wait
      When 30 callers of the first gateway hang up, and the service is well again
      Then 20 calls at once all reach the service

  Rule: What is broken for one does not break anything else

    Scenario: The other gateway and other services are called as before
      Given the breaker of the first gateway is open
      When 20 calls are made through the first gateway
      Then none of these 20 reaches the service
      And 20 calls of the service through the other gateway, and 20 of another service, all arrive

  Rule: After its wait a few calls decide, and nobody else's do

    Scenario: Of a crowd exactly three are let through, and the others are refused meanwhile
      Given the breaker of the first gateway has been open for as long as it has to
      When 100 calls are made at once through the first gateway, while the service lets its callers wait
      Then exactly 3 of the 100 reach the service, and the 97 others are refused while these wait
      And 20 calls at once all reach the service
      And the gateway's metrics tell of each change of state once: closed, open, half-open, closed

    Scenario: While the service fails on, it is asked less and less often
      Given the breaker of the first gateway is open
      When the service fails on, and is called all the time
      Then it is asked again after 2 s, 3 s and 3 s, each time up to 25 % later

    Scenario: Callers who hang up while they decide leave their place to others
      Given the breaker of the first gateway has been open for as long as it has to
      When 3 callers of the first gateway hang up, and the service is well again
      Then within 1 s the service is called as ever

    # They were let through while it was closed, so what they say is about another time.
    Scenario: Late answers to calls from before it opened do not close it
      Given 3 calls through the first gateway that the service lets wait
      When the breaker opens because of other calls, and then these 3 are answered
      Then none of the next 20 calls reaches the service

  Rule: A gateway whose settings make no sense does not start, and says which

    Scenario Outline: A gateway is started with <nonsense>
      When a gateway is started with <nonsense>
      Then it ends with an error that names the setting

      Examples:
        | nonsense                                  |
        | a failure rate above 100 %                |
        | no window                                 |
        | no calls to be let through after the wait |
        | half a call to be looked at               |
        | a wait that is no number                  |
