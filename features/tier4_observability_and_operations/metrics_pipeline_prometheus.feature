@L3 @tier4 @mrr.30000 @container.prometheus @container.alertmanager @container.alert-receiver @container.upstream @container.platform
Feature: What customers suffer wakes somebody, once
  Whoever is on call decides by numbers, often at night. A failure that is not counted costs customers for hours before anybody
  looks, and a false alarm costs the trust in the next one. So the numbers are held against what customers really got.

  Two nodes of a shop, each of four processes, are scraped by a real Prometheus twice a second. Its alerts go through a
  real Alertmanager to whoever is on call. The shop asks a warehouse for everything that it sells.

  Background:
    Given two nodes of a shop

  Rule: Whatever customers get is counted once, whoever served them

    Background:
      Given Prometheus has seen all that customers got before

    Scenario: What 120 customers got is counted to the last request
      When 20 customers come to each node for orders, for looks at orders and for exports
      Then Prometheus has counted what they got, no more and no less
      And both nodes tell 20 scrapes in a row the same

    Scenario: Whoever gets something else than they came for is counted as that
      When customers of the first node meet these:
        | what                                       | customers |
        | an error of the shop's own                 | 2         |
        | a warehouse that fails                     | 3         |
        | a refusal, because they have not signed in | 4         |
        | the advice to come more slowly             | 5         |
        | a shop that is closed for maintenance      | 6         |
        | a page that is not there                   | 7         |
        | an export that breaks off in the middle    | 8         |
        | such a wait that they leave                | 9         |
      Then Prometheus has counted what they got, no more and no less

    # Every sample that Prometheus has stored is looked at: a fall that is no restart makes it invent requests.
    Scenario: A node that restarts loses no count and invents none
      Given 5 customers of the first node who wait for the warehouse
      And 30 customers of each node have got what they came for
      When the first node restarts while these 5 still wait, and 20 more customers come to each node
      Then no count of the first node has fallen more than once, and none of the second has
      And 0 requests are under way at the first node

    Scenario: A process of a node that is killed takes its waiting customers along, and no count
      Given 30 customers of each node have got what they came for
      And 16 customers of the first node who wait for the warehouse
      When a process of the first node is killed, and some of them lose their connection
      Then within 3 s only those who still wait are under way at the first node
      And once they are answered Prometheus has counted what they got, no more and no less

    # Tried by promtool, on the shop's own rules.
    Scenario: The share of errors on the dashboards is that of all customers of both nodes
      When 8 % of 300 customers a second fail at one node, and none of 100 at the other
      Then dashboards show that 6 % fail

  Rule: How long customers waited is what they measured themselves

    Background:
      Given Prometheus has seen all that customers got before

    Scenario: Exports that take a second are shown as exports that take a second
      When 10 customers of the first node get the first half of an export at once, and the rest never came within 1 s
      Then the 95th percentile of exports by the metrics is that which customers measured, to the next bucket

  Rule: Errors that last wake somebody once, and what has passed by itself wakes nobody

    Scenario: Errors for 2 s wake somebody once, and so does their end
      Given nobody is being woken by errors
      When customers of the first node get errors until somebody is told, and then no more
      Then within 6 s somebody is told once that they are over
      And somebody was told once of errors at the first node, with what to do about it
      And they had lasted for 2 s by then, and at the most for one evaluation longer

    Scenario: A burst of errors that is over at once wakes nobody
      Given nobody is being woken by errors
      When 10 customers of the first node get errors at the same moment
      Then Prometheus takes notice, and for 3 s nobody is told

    # A counter that is not there before its first error has not risen by it.
    Scenario: The very first orders that fail after a start wake somebody
      Given nobody is being woken by errors
      And the first node is killed
      And the first node is back
      And every count of the first node is there and is 0
      When 3 orders fail at the first node between two scrapes
      Then within 4 s somebody is told once that orders fail at the first node

  Rule: A node that cannot be seen is no node that is well

    Scenario: A node that dies each time that it is back wakes somebody
      Given nobody is being woken by a node
      When the first node dies again each time that it is back, for up to 14 s
      Then somebody was told once that the first node is down

    Scenario: A node that dies while its customers get errors has not recovered
      Given nobody is being woken by errors
      And customers of the first node get errors until somebody is told
      When the first node is killed
      Then for 3 s nobody is told that they are over
      And once the node is back and well, within 6 s somebody is told that they are over

    Scenario: When the whole shop is down, that is what is told, not each of its nodes
      Given nobody is being woken by a node
      When both nodes are killed
      Then within 5 s somebody is told once that the shop is down
      And when Prometheus says of both nodes that they are down, nobody is told for 1.5 s

  Rule: Who is on call hears of trouble however bad the way to them is, and is left in peace where they asked for it

    Scenario: Errors that began while Alertmanager was down are told once it is back
      Given nobody is being woken by errors
      And Alertmanager is down
      And customers of the first node get errors until Prometheus sounds the alarm
      When Alertmanager is back
      Then within 4 s somebody is told of errors at the first node
      And a moment later they still have been told once

    Scenario: A receiver that refuses three times gets what it accepts in the end just once
      Given nobody is being woken by errors
      And the receiver of alerts refuses the next 3 notifications of errors
      When customers of the first node get errors until somebody is told
      Then 3 notifications had been refused by then
      And a moment later they still have been told once

    Scenario: A node that is being worked on is silent, and the other one is not
      Given nobody is being woken by errors
      And an operator has silenced the errors of the first node
      When customers of both nodes get errors until Prometheus sounds both alarms
      Then within 3 s somebody is told of errors at the second node
      And for 1 s nobody is told of errors at the first node

  Rule: The metrics stay small, readable and discreet, whatever is asked for

    Background:
      Given Prometheus has seen all that customers got before

    Scenario: A scanner with 600 paths and methods adds next to no series
      When a scanner asks the first node for 600 pages that nobody has
      Then the first node has at most 5 series more than before

    Scenario: No secret of a request is in the metrics, and no line of it breaks them
      When the first node is asked for paths with secrets, quotes and line breaks in them
      Then none of these secrets is in its metrics
      And promtool finds no fault in the metrics of both nodes

  # Windows of hours are tried by promtool, on the shop's own rules.
  Rule: The month's budget of errors, one in a thousand, wakes somebody when it burns fast, and only while it does

    Scenario: What wakes somebody is a fast burn that still goes on
      When each of these has happened:
        | what                                                | somebody     |
        | one request in 50 has failed for 90 minutes         | is woken     |
        | one request in 100 has failed for 2 hours           | is woken     |
        | one request in 2000 has failed for 2 hours          | is not woken |
        | half of the requests failed for one minute          | is not woken |
        | half of them failed for 20 minutes, and none for 35 | is not woken |
      Then it is so by the shop's own rules
