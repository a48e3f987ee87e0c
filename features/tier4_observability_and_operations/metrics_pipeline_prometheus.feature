@L3 @tier4 @mrr.30000 @container.prometheus @container.alertmanager @container.alert-receiver @container.upstream @container.platform
Feature: What customers suffer wakes somebody, once
  Whoever is on call decides by numbers, often at night. A failure that is not counted costs customers for hours before anybody
  looks, and a false alarm costs the trust in the next one. So the numbers are held against what customers really got.

  Two nodes of a shop, each of four processes, are scraped by a real Prometheus twice a second. Its alerts go through a
  real Alertmanager to whoever is on call. The shop asks a warehouse for everything that it sells.

  Background:
    Given two nodes of a shop

  # This comes first, because Prometheus looks at nobody before it has run for 5 s.
  Rule: The metrics stay small, readable and discreet, whatever is asked for

    Scenario: No secret of a request is in the metrics, and no line of it breaks them
      When both nodes are asked for pages with secrets in paths, links, headers and names, and with quotes and line breaks
      Then none of these secrets is in its metrics
      And promtool finds no fault in the metrics of both nodes

    # It tries methods that nobody uses on the pages that there are, too.
    Scenario: A scanner with 200 paths and methods adds next to no series
      Given Prometheus has seen all that customers got before
      When a scanner asks the first node for 200 pages that nobody has
      Then the first node has at most 5 series more than before

  # Alertmanager tells anew of all that fires when it is told anew of what was over, so this comes before any alarm.
  Rule: A node that is down hides nothing else

    # What Prometheus says in such a moment is said in its place, with the labels that its rules give.
    Scenario: While a node is down whatever else happens at either node is told, and so is its end
      Given nobody is being woken by errors or by a node
      When Alertmanager hears in one moment that the first node is down, and of all else that there is to hear of both
      Then within 3 s somebody is told of each, once
      And within 4 s of its end somebody is told of the end of each

  Rule: Whatever customers get is counted once, whoever served them

    Background:
      Given Prometheus has seen all that customers got before

    # The scanner tries other methods, too. For orders some come who only glance at them.
    Scenario: What 120 customers got is counted to the last request
      When a scanner tries all that looks like the shop's pages, and 15 customers come to each node for each page
      Then Prometheus has counted what they got, no more and no less
      And each count that has risen was there before
      And both nodes tell 20 scrapes in a row the same

    Scenario: Whoever gets something else than they came for is counted as that
      When customers of both nodes meet these, whatever they came for:
        | what                                         | customers |
        | an error of the shop's own                   | 2         |
        | a warehouse that fails                       | 3         |
        | a refusal, because they have not signed in   | 4         |
        | a refusal, because their session has expired | 5         |
        | the advice to come more slowly               | 6         |
        | a shop that is closed for maintenance        | 7         |
        | a page that is not there                     | 8         |
        | an export that breaks off in the middle      | 9         |
        | an export of which they want only half       | 10        |
        | such a wait that they leave                  | 11        |
        | the same, and then the warehouse fails       | 12        |
      Then Prometheus has counted what they got, no more and no less
      And each count that has risen was there before

    # Every sample that Prometheus has stored is looked at: a fall that is no restart makes it invent requests.
    Scenario: A node that restarts loses no count and invents none
      Given 30 customers of each node have got what they came for
      And 5 customers of the first node who wait for the warehouse
      When the first node restarts while these 5 still wait, and 20 more customers come to each node
      Then no count of the first node has fallen more than once, and none of the second has
      And 0 requests are under way at the first node

    Scenario: A process of a node that is killed takes its waiting customers along, and no count
      Given 30 customers of each node have got what they came for
      And 24 customers of the first node who wait for the warehouse
      When two of its processes are killed, one after the other, each just after 10 more customers came
      Then within 3 s only those who still wait are under way at the first node
      And once they are answered, and 20 more came to each node, Prometheus has counted what they got, no more and no less

    # Tried by promtool, on the shop's own rules, with numbers that are drawn.
    Scenario: The share of errors on the dashboards is that of all customers of both nodes
      When for 4 s everything that there is happens to many customers of one node and few of the other, as it did not before
      Then dashboards show which share of those who came for each page has failed

  Rule: How long customers waited is what they measured themselves

    Background:
      Given Prometheus has seen all that customers got before

    # Exports begin at once, and the rest is waited for.
    Scenario: Exports that take a second are shown as exports that take a second
      When 18 customers of both nodes wait from 200 ms to 1.2 s for orders, looks and exports, and others are served meanwhile
      Then each bucket of the metrics holds those who have waited for so long, and no others
      And any wait from 100 ms to 8 s, the longest that the shop allows, is told from one that is 2.5 times as long

  Rule: Errors that last wake somebody once, and what has passed by itself wakes nobody

    Scenario: Errors for 2 s wake somebody once, and so does their end, and a burst that is over at once wakes nobody
      Given nobody is being woken by errors
      When customers of the first node get errors until somebody is told, and 10 of the second all at the same moment
      Then within 6 s somebody is told once that they are over
      And somebody was told once of errors at the first node, with what to do about it
      And they had lasted for 2 s by then, and at the most for 500 ms longer
      And nobody was told of the errors at the second node, of which Prometheus took notice

    # A counter that is not there before its first error has not risen by it.
    Scenario: The very first orders that fail after a start wake somebody
      Given nobody is being woken by errors
      And the first node is killed
      And the first node is back
      And every count of the first node is there and is 0
      When 3 orders fail at the first node between two scrapes
      Then within 4 s somebody is told once that orders fail at the first node

    # Tried by promtool, on the shop's own rules; at which node it happens is drawn.
    Scenario: What wakes somebody is what customers of one node suffer who came for the same thing
      When each of these has happened at the nodes:
        | what                                                                                  | somebody                            |
        | half of those who come to a node for the same thing fail for 5 s, in any way          | is woken by errors                  |
        | all fail who come for it, and 20 times as many are served who come for something else | is woken by errors                  |
        | one in ten fails for 5 s                                                              | is not woken                        |
        | all are refused, slowed down, leave or find nothing for 5 s                           | is not woken                        |
        | half of them fail for 5 s, and for 8 s none does                                      | is not woken                        |
        | half of them fail at the same moment, and then the node is out of sight for 6 s       | is woken by the node                |
        | half of them fail for 5 s, and then the node is out of sight for 6 s                  | is woken by errors and the node     |
        | the same, and then the node has been back for 8 s and nobody fails                    | is not woken                        |
        | half of them fail for 5 s, then none does, and the other node is out of sight for 6 s | is woken by the node                |
        | one order fails, in any way                                                           | is woken by orders                  |
        | one order failed 6 s ago                                                              | is not woken                        |
        | a node has been out of sight for 12 s                                                 | is woken by the node                |
        | a node has been out of sight for 2 s of every 3, for 12 s                             | is woken by the node                |
        | both nodes have been out of sight for 12 s                                            | is woken by both nodes and the shop |
        | both nodes have been out of sight for 12 s, and back for 8 s                          | is not woken                        |
      Then it is so by the shop's own rules

  Rule: A node that cannot be seen is no node that is well

    Scenario: When the whole shop dies while customers get errors, that is what is told: no node, and no recovery
      Given nobody is being woken by errors or by a node
      And customers of the first node get errors until somebody is told
      When both nodes are killed
      Then within 5 s somebody is told once that the shop is down
      And when Prometheus says of both nodes that they are down, nobody is told for 1 s
      And nobody is told meanwhile that the errors are over
      And once the first node is back, within 6 s somebody is told that both are over, and was told once of the errors

  Rule: Who is on call hears of trouble however bad the way to them is, and is left in peace where they asked for it

    Scenario: A node that is being worked on is silent, and the other one is not
      Given nobody is being woken by errors
      And an operator has silenced orders that fail at the first node
      When 3 orders fail at each node
      Then within 4 s somebody is told once that orders fail at the second node
      And for 1 s nobody is told that orders fail at the first node

    Scenario: All that began to fail while Alertmanager was down is told once it is back, even if refused three times
      Given nobody is being woken by errors
      And Alertmanager is down
      And the receiver of alerts refuses the next 3 notifications of errors
      And whatever customers of both nodes want fails until Prometheus sounds every alarm
      When Alertmanager is back
      Then within 8 s, and 3 notifications that were refused, somebody is told of all that fails at both nodes
      And a moment later nobody has been told of it again

  # Windows of hours are tried by promtool, on the shop's own rules.
  Rule: The month's budget of errors, one in a thousand, wakes somebody when it burns fast, and only while it does

    Scenario: What wakes somebody is a fast burn that still goes on
      When each of these has happened:
        | what                                                                  | somebody     |
        | one request in 50 has failed for 90 minutes, in any way               | is woken     |
        | one request in 100 has failed for 2 hours                             | is woken     |
        | one request in 2000 has failed for 2 hours                            | is not woken |
        | one request in 20 has failed for 2 hours, at a node to which few come | is not woken |
        | half of the requests failed for one minute                            | is not woken |
        | half of them failed for 20 minutes, and none for 35                   | is not woken |
        | all were refused, slowed down, left or found nothing for 2 hours      | is not woken |
      Then it is so by the shop's own rules
