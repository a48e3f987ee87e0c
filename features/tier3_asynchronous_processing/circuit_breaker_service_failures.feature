@L3 @tier3 @mrr.50000 @container.redis @container.toxiproxy @container.upstream @container.platform
Feature: A broken neighbour does not break us
  When a service that we depend on fails, customers of everything else must not notice, and the service must be left
  in peace until it is well. A gateway that keeps calling it holds up all its callers, and keeps the service from
  recovering.

  Each of two gateways has a circuit breaker of its own for each service. It looks at the last 20 calls of the last 2 s
  and opens when at least 10 were made and half of them failed; then the service gets no calls for 2 s, and later for
  3 s. After that 3 calls are let through: when all of them go well, it closes. A call that takes 0.8 s counts as failed,
  and after 1.2 s nobody waits for it any more. Calls are counted at the service.

  Background:
    Given two gateways in front of a service

  Rule: A breaker opens when enough calls fail, and not at the first ones

    Scenario: The tenth failure opens it, and from then on the service gets no calls
      Given the service fails
      When 60 calls are made through the first gateway
      Then exactly 10 of these 60 reach the service
      And the other 50 callers hear at once that it was not asked, and when to ask again

    Scenario: Only the last 20 calls are looked at, however many went well before
      Given 20 calls through the first gateway went well
      And the service fails
      When 40 calls are made through the first gateway
      Then exactly 10 of these 40 reach the service

    Scenario: Failures that are older than the window are forgotten, and others are not
      Given 10 calls through the first gateway went well, and 5 failed
      And 1.2 s later 4 more failed
      When 1 s later 20 more are made
      Then exactly 6 of these 20 reach the service

    Scenario Outline: A service that <fails> is left in peace, too
      Given the service <fails>
      When 20 calls are made at once through the first gateway, and then 20 more
      Then nobody has waited for longer than 5 s
      And no call has reached the service twice
      And none of these 20 reaches the service

      Examples:
        | fails                                    |
        | says that it is unavailable              |
        | never answers                            |
        | breaks the connection                    |
        | begins an answer and falls silent        |
        | breaks off in the middle of an answer    |
        | answers correctly, but only after 900 ms |
        | sends its answer bit by bit              |

    Scenario: A service that cannot be reached is left in peace, too
      Given the first gateway is cut off from the services
      And 20 calls were made at once through the first gateway
      When the first gateway reaches the services again
      Then none of the next 20 calls reaches the service

    Scenario Outline: A service that tells a caller <something> is not taken for broken
      Given the service tells its callers <something>
      When 30 calls are made through the first gateway
      Then all of these 30 reach the service

      Examples:
        | something                        |
        | that it does not understand      |
        | that this caller is not known    |
        | that this caller may not do that |
        | that there is no such thing      |
        | that somebody else was quicker   |
        | that this caller asks too often  |

    Scenario: Callers who hang up do not make a slow service a broken one
      Given the service lets its callers wait
      When 15 callers of the first gateway hang up at once and 15 after 0.8 s, and then the service is well
      Then 20 calls at once all reach the service

  Rule: What is broken for one does not break anything else

    Scenario: The other gateway and other services are called as before
      Given the breaker of the first gateway is open
      When 20 calls are made through the first gateway
      Then none of these 20 reaches the service
      And within 1 s both gateways say that they are well
      And 20 calls of the service through the other gateway, and 20 of another service, all arrive

    # A busy machine makes answers some times slower, alone and meanwhile; whoever is held up gets none at all.
    Scenario: Callers of a service that does not answer hold up nobody else
      When callers of the first gateway call one service, in turn alone and while 110 wait for another one
      Then they are answered at least 10 % as often while the 110 wait as they are alone

  Rule: After its wait a few calls decide, and nobody else's do

    Scenario: Of a crowd exactly three are let through, and the others are refused meanwhile
      Given the breaker of the first gateway has been open for as long as it has to
      When 100 calls are made at once through the first gateway, while the service lets its callers wait
      Then exactly 3 of the 100 reach the service, and 97 others are refused while these wait
      And 20 calls at once all reach the service
      And the gateway's metrics tell of each change of state once: closed, open, half-open, closed

    Scenario: Gateways that lost a service together do not come back to it together
      Given the breakers of both gateways opened together for each of 8 services
      When all of these are called all the time
      Then the two gateways did not wait for equally long each time

    Scenario: Callers who hang up while they decide leave their place to others
      Given the breaker of the first gateway has been open for as long as it has to
      When one of 3 who decide hears that there is no such thing, one hangs up, one waits, and 20 more call at once
      Then exactly 1 of the 20 reaches the service, and 19 others are refused while these wait
      And 20 calls at once all reach the service

    # They were let through while it was closed, so what they say is about another time.
    Scenario: Late answers to calls from before it opened do not close it
      Given 3 calls through the first gateway that the service lets wait
      When the breaker opens because of other calls, and then these 3 are answered
      Then none of the next 20 calls reaches the service

  Rule: Callers are given an answer that the service gave before, and are told so

    # What is asked for is alike in every way that names can be, and answers are empty and large, too.
    Scenario: While services fail, their earlier answers are given, as long as they are not too old
      Given services that have answered the same questions, each of them twice, and refused one
      When each fails in its own way, and all is asked again before and after its breaker opens, and 1.6 s after the answers
      Then failures that no caller noticed count: after 10 of them the services get no calls
      And each time the callers get that service's last answers, and hear that these are earlier ones
      And who asks what was refused, or never answered, hears that the service was not asked, and when to ask again
      And 2.6 s after they were given for the first time none of these answers is given any more

  Rule: All of this holds at any time, for calls of every kind

    # Which kinds of calls meet which state of a breaker is fixed, and each kind is there, callers who hang up included;
    # the order and the moments are drawn anew in each run. Outages take 3 waits: some go on, some end, and some begin
    # again, also after a pause.
    Scenario: Whatever becomes of calls, every breaker keeps its promises, outage after outage
      Given services whose names are alike, which do what each of their callers asks for
      When callers of each through both gateways meet outages that end, go on or come back, with calls of every kind
      Then every caller heard how that call ended, or was refused when it had to be, and was told when to ask again
      And each call that was let through has come to its service once, and no other call has
      And the metrics of both gateways tell of each change of state of each breaker once

  Rule: A gateway whose settings make no sense does not start, and says which

    Scenario: Settings that make no sense are refused when a gateway starts, all of them at once
      When gateways are started, each with one of these in all settings where it makes no sense
        | nonsense                        |
        | zero                            |
        | less than zero                  |
        | half of a call                  |
        | calls and a half                |
        | a word                          |
        | nothing                         |
        | no number, as computers call it |
        | without end                     |
        | a rate above 100 %              |
        | less than what it has to reach  |
      Then each ends with an error that names all of these settings
