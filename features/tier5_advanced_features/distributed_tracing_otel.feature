@L3 @tier5 @mrr.30000 @container.jaeger @container.redis @container.otlp-receiver @container.upstream @container.toxiproxy @container.platform
Feature: One order is one trace, to the last process
  When a customer's order goes wrong, somebody has to see where, within minutes. A trace that is torn at a queue, mixed
  with another customer's or missing for the one order that failed costs hours, and a trace that slows down or leaks what
  it watches costs more than it is worth.

  An order goes through a gateway and a service, and by a queue in Redis to a worker; both of the latter ask a partner.
  What they tell of it is counted at a collector, which hands it on to Jaeger, where people look.

  Rule: Whoever looks for an order finds all of it in one tree

    Scenario: An order is one tree, from the gateway to the shipment
      Given the monitoring has asked each process how many steps were lost
      When a customer places an order
      Then it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And no step is told to have begun before the step that caused it
      And the partner was asked 2 times, each time in the name of the step that asked, while that lasted
      And every step names the order and its tenant
      And no step is told that belongs to no order

    Scenario: An order that is placed on a line that stays open is a tree of its own
      When a customer places an order on a line, after another
      Then it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And every step names the order and its tenant
      And neither the customer's password nor token nor card can be read where traces are kept, nor in a log

    Scenario: A shipment that fails twice stays in its order's trace
      Given the partner fails at the first 2 attempts to ship the order
      When a customer places an order
      Then the partner is asked for the shipment exactly 3 times
      And it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And the partner was asked 4 times, each time in the name of the step that asked, while that lasted
      And every step names the order and its tenant
      And each process has written of the order, with its trace and a step of it
      And 2 attempts at the shipment are errors, and 1 is none

    Scenario: Each step says whose it is, and each line of a log leads to its step
      Given an order that was placed in the small service
      When a customer places an order
      Then it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And each process has written of the order, with its trace and a step of it
      And each step says which version and which instance of which service it was, each of the two services its own

  Rule: Nobody's steps get into another's trace

    Scenario: Two hundred orders in the same few threads and workers
      Given an order that was placed and shipped before
      When 200 customers place an order each, 20 at a time
      Then each of the 200 traces is whole, and names its own order and tenant at every step
      And the partner was asked for each order in the name of its own trace
      And no step is told that belongs to no order

    # Prices that come at once, at the second try or never; shipments that fail none to three times, each in every way.
    Scenario: Orders of every fate at once, in calls and on lines, are each told as they were
      Given an order that was placed and shipped before
      When orders of every fate come from every side at once, some on lines, and strangers come with them
      Then each of them is told as its fate was, step by step, and to the partner
      And nothing that a stranger said is believed
      And no customer's password, token or card can be read where traces are kept, nor in a log

  Rule: An error is told where it happened, once, and what was mended is none

    Scenario Outline: An order that fails because <what>
      Given <what>
      When a customer places an order that fails
      Then both servers' steps are errors of a kind that is named, and the exception is recorded once
      And of the service's calls those that failed are errors, and no others
      And neither the customer's password nor token nor card can be read where traces are kept, nor in a log

      Examples:
        | what                                                                  |
        | the partner's prices make no sense                                    |
        | the partner breaks the connection whenever it is asked for the price  |
        | Redis refuses every change                                            |

    Scenario: A connection that broke, and was made again
      Given the partner breaks the connection when it is asked for the price the first time
      When a customer places an order
      Then exactly 1 call is an error, of a kind that is named, and no other step of the order's is
      And the partner was asked 3 times, each time in the name of the step that asked, while that lasted

    Scenario Outline: What a customer asks for in vain <way> is no error of a server's
      Given the partner knows no such article
      When a customer places an order for it <way>
      Then the customer hears so, and neither server's step is an error
      And neither the customer's password nor token nor card can be read where traces are kept, nor in a log

      Examples:
        | way       |
        | in a call |
        | on a line |

  Rule: A trace that comes with a call is continued when it makes sense, and when it does not it harms nobody

    # W3C Trace Context. TRACE and SPAN are ids that nobody has used before.
    Scenario: Calls that name their trace correctly
      When the service is asked to look at something, and to take an order, by
        | caller                                  | traceparent                            |
        | one of today                            | 00-TRACE-SPAN-01                       |
        | one that says that its ids are random   | 00-TRACE-SPAN-03                       |
        | one with flags that nobody knows yet    | 00-TRACE-SPAN-ff                       |
        | a later version                         | cc-TRACE-SPAN-01                       |
        | a later version that says more          | cc-TRACE-SPAN-01-what-comes-later      |
      Then each call is a step of the trace that it named, below the step that it named

    Scenario: Calls that name their trace wrongly
      When the service is asked to look at something, and to take an order, by
        | caller                                  | traceparent                            | tracestate |
        | one that names no trace but a state     |                                        | a=1        |
        | one with a trace of zeros               | 00-00000000000000000000000000000000-SPAN-01 | a=1   |
        | one with a step of zeros                | 00-TRACE-0000000000000000-01           | a=1        |
        | the version that is forbidden           | ff-TRACE-SPAN-01                       | a=1        |
        | today's version that says more          | 00-TRACE-SPAN-01-more                  | a=1        |
        | today's version with a dash too many    | 00-TRACE-SPAN-01-                      | a=1        |
        | a later version without a dash          | cc-TRACE-SPAN-01.what                  | a=1        |
        | one without flags                       | 00-TRACE-SPAN                          | a=1        |
        | one whose flags are too short           | 00-TRACE-SPAN-1                        | a=1        |
        | one whose flags are too long            | 00-TRACE-SPAN-001                      | a=1        |
        | one whose flags are no number           | 00-TRACE-SPAN-zz                       | a=1        |
        | one whose version is too short          | 0-TRACE-SPAN-01                        | a=1        |
        | one whose version is too long           | 000-TRACE-SPAN-01                      | a=1        |
        | one whose version is no number          | .0-TRACE-SPAN-01                       | a=1        |
        | one whose trace is too long             | 00-TRACE0-SPAN-01                      | a=1        |
        | one whose trace is too short            | 00-0123456789abcdef0123456789abcde-SPAN-01 | a=1    |
        | one whose step is too long              | 00-TRACE-SPAN0-01                      | a=1        |
        | one whose step is too short             | 00-TRACE-0123456789abcde-01            | a=1        |
        | one whose trace is no number            | 00-0123456789abcdef0123456789abcdeg-SPAN-01 | a=1   |
        | one whose step is no number             | 00-TRACE-0123456789abcdeg-01           | a=1        |
        | one that writes its trace in capitals   | 00-trace-SPAN-01                       | a=1        |
        | one that writes its step in capitals    | 00-TRACE-span-01                       | a=1        |
        | one that writes its flags in capitals   | 00-TRACE-SPAN-0B                       | a=1        |
        | one that uses other dashes              | 00_TRACE_SPAN_01                       | a=1        |
        | one with nothing but words              | hello                                  | a=1        |
        | one that names two traces               | 00-TRACE-SPAN-01 and again 00-TRACE-1111111111111111-01 | a=1 |
      Then each call begins a trace of its own, and nothing of what it named is in it

    Scenario: What callers add to their trace is kept when it is sound, or left out, and the trace stays
      When orders come to the service from
        | caller                                  | traceparent      | tracestate                                 |
        | one that adds a word                    | 00-TRACE-SPAN-01 | a=1                                        |
        | one that adds two                       | 00-TRACE-SPAN-01 | a=1,b=2                                    |
        | one that adds them one by one           | 00-TRACE-SPAN-01 | a=1 and again b=2                          |
        | one that adds 32 words                  | 00-TRACE-SPAN-01 | a0=1,a1=1,a2=1,a3=1,a4=1,a5=1,a6=1,a7=1,a8=1,a9=1,b0=1,b1=1,b2=1,b3=1,b4=1,b5=1,b6=1,b7=1,b8=1,b9=1,c0=1,c1=1,c2=1,c3=1,c4=1,c5=1,c6=1,c7=1,c8=1,c9=1,d0=1,d1=1 |
        | one that adds the same twice            | 00-TRACE-SPAN-01 | a=1,a=2                                    |
        | one that adds what has no name          | 00-TRACE-SPAN-01 | a=1,=2                                     |
        | one that adds 33 words                  | 00-TRACE-SPAN-01 | a0=1,a1=1,a2=1,a3=1,a4=1,a5=1,a6=1,a7=1,a8=1,a9=1,b0=1,b1=1,b2=1,b3=1,b4=1,b5=1,b6=1,b7=1,b8=1,b9=1,c0=1,c1=1,c2=1,c3=1,c4=1,c5=1,c6=1,c7=1,c8=1,c9=1,d0=1,d1=1,d2=1 |
      Then each call stays in its trace, and what the first 4 add is kept, and what the others add is left out

    Scenario: Strangers do not decide what we see, and for whom we take them
      When a stranger places an order, not to be traced and in the name of another tenant, and looks at something
      Then it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And every step names the order and its tenant
      And nothing of it is in the stranger's trace

  Rule: What is kept is kept whole, and what is not costs nothing

    Scenario: Whether a trace is kept is decided once, by whoever begins it
      When four orders come to the service, the first three in traces that are not to be kept, and the last in one that is
      Then nothing of the first three arrives, and the last is whole, and the partner is told which is which

    Scenario: A gateway that keeps a tenth keeps a tenth, whole
      When 400 customers come to the busy gateway, 20 at a time, to look, and each tenth to order in a call or on a line
      Then about 10 % of their traces are kept, and each of these is whole

  Rule: Tracing never stands in the way of what it watches

    Scenario: While the collector hangs nobody waits for it, and what is lost is counted
      Given 100 calls of the small service while all is well
      And the small service's connections to the collector hang without an error
      When 300 calls of the small service are made, and then the small service reaches the collector again
      Then a call took at most 3 times as long as one at the same time where the collector is reached
      And every step of these calls arrived, or is counted as lost
      And what is done from now on arrives again

    Scenario: While the collector hangs no order waits for it, and no shipment
      Given the small service's connections to the collector hang without an error
      And the gateway's connections to the collector hang without an error
      And the worker's connections to the collector hang without an error
      When 6 orders fail and as many go well in each of these, in calls and on lines, in turn with others
      Then a call took at most 3 times as long as one at the same time where the collector is reached
      And the partner is asked for the shipment of each that went well within 5 s

    Scenario: A service that is asked to end tells of its last order
      Given an order in the small service, which the partner lets wait
      And the small service is asked to end
      When the partner answers 3 s later
      Then the caller is answered, and the order's trace is whole
      And the small service has ended by itself within 8 s

    Scenario: A worker that is asked to end tells of its last shipment, and leaves the others for later
      Given an order whose shipment the partner lets wait, and 8 orders behind it
      And the worker is asked to end
      When the partner answers 3 s later
      Then the caller is answered, and the order's trace is whole
      And the worker has ended by itself within 8 s
      And no other shipment was begun, and once the worker is back each is made once, in a trace that is whole

    Scenario: A collector that hangs does not keep a service from ending
      Given the small service's connections to the collector hang without an error
      And 100 calls of the small service while nothing arrives
      When the small service is asked to end
      Then the small service has ended by itself within 8 s

  Rule: Nothing gets out by way of tracing

    Scenario: No secret is kept, and the partner is told nothing of whose order it is
      When a customer places an order
      Then it is one whole tree that leads from the gateway over the service and the queue to the worker, also in Jaeger
      And neither the customer's password nor token nor card can be read where traces are kept, nor in a log
      And the partner was not told whose order it is

    Scenario: No secret is kept of an order that never reached the service
      Given the service is killed
      When a customer places an order that fails
      Then the gateway's step and its call are errors of a kind that is named
      And neither the customer's password nor token nor card can be read where traces are kept, nor in a log
