@L3 @tier5 @mrr.500000 @database @container.postgres @container.toxiproxy @container.payment-sandbox @container.platform
Feature: Money moves once, and only when it should
  Customers pay for orders and subscribe to plans; a third of all revenue comes in this way. Whoever is charged twice
  leaves, what is not charged is lost, and what is given back too often is gone. So every cent is accounted for three
  times: by the payment provider, in our own books, and by what the customer was told.

  Two nodes take payments and hear from the provider. Each of its events may come late, twice, or not at all.

  Background:
    Given two nodes that take payments

  Rule: An order is charged once, however often and wherever it is paid

    # After a day the provider has forgotten a key, and would charge again.
    Scenario: Ten clicks at once, and more after the provider has forgotten them, charge once
      Given an order of 19.99 USD
      When it is paid 10 times at once with one key, and once more through each node after the provider forgot the key
      Then every answer is the same receipt
      And the order was charged once
      And all accounts agree

    Scenario: An order that is paid again while its first payment is under way is charged once
      Given an order of 19.99 USD
      And the provider, which tells of nothing, has charged it for the first node, and has not answered yet
      When it is paid again through the second node, without a key and with another one, and the provider answers
      Then every answer is the same receipt
      And the order was charged once
      And all accounts agree

    # Capitals, a blank, the last letter: whatever keys differ in, and long ones too.
    Scenario: A key stands for one payment of one customer, however much another is like it
      When an order is paid by each of several keys that look alike, also such that was paid without one before
      Then each order was charged once, and its customer told so
      And at the other node each key gives the same receipt again, and pays for no other order
      And another customer can use the same keys
      And all accounts agree

    Scenario: A payment that waits for the bank is made a second time only if it is refused
      Given orders of 19.99 USD, each paid by a card of which the bank decides later
        | the bank          | in the end it |
        | asks the customer | is paid       |
        | asks the customer | is refused    |
        | takes its time    | is paid       |
        | takes its time    | is refused    |
      And each customer was told to confirm, or to wait, and nothing is charged
      When each is paid again a day later, then by another card, and then it is decided
      Then within 5 s what the bank paid counts as paid, and was charged once
      And what it refused can be paid by another card
      And all accounts agree

    Scenario: A node that starts gives up nothing that is under way
      Given the provider tells of no event
      And a charge, a refund and a subscription that the provider has made for the first node, and not answered yet
      And the second node is killed
      And the second node is back
      When each is asked for again through the second node, and the provider answers
      Then each of the three was made once
      And all accounts agree

  Rule: A charge whose outcome nobody heard is found again, and not made again

    # Too busy: it has done nothing. When its answer is lost, or is an error of its own, it has.
    Scenario: Whatever the provider answers, what it is asked for is done once
      Given the provider tells of no event
      When each of these is asked for, while it is once too busy, loses its answer once, and once answers by an error
        | deed                        |
        | an order is paid            |
        | money is given back         |
        | somebody subscribes         |
        | somebody changes their plan |
        | somebody cancels            |
      Then within 10 s each was done, once, and whoever asked was told so
      And all accounts agree

    # After a day the provider has forgotten a key, and would charge again: that is for people to look into.
    Scenario: A node dies before it has written down what the provider did, and nobody asks again
      Given the provider tells of no event
      And a charge, a refund and a subscription that the provider has made for the first node, and not answered yet
      And they have been under way for 12 hours, and another charge for 25
      And the first node is killed
      When the provider answers again
      Then within 10 s the platform's books have each of the three
      And each of the four was made once

    # No node can write down what it hears, and each has looked in vain for what is left to be found.
    Scenario: The provider's answer comes while the database cannot be reached
      Given an order of 19.99 USD
      And the provider, which tells of nothing, has charged it for the first node, and has not answered yet
      And both nodes are cut off from the database
      And the provider answers, and 7 s go by
      When both nodes reach the database again
      Then within 10 s the order counts as paid
      And the order was charged once

    Scenario: A provider that does not answer keeps no customer waiting
      Given 12 orders of 19.99 USD of which the provider answers no request to charge them
      When each is paid, and another customer pays at the same node meanwhile
      Then the other one was told within 4 s that theirs is paid
      And within 8 s each customer is told that the outcome is not known yet
      And once the provider answers again, all orders count as paid within 10 s
      And each was charged once

  Rule: A payment that fails costs nothing, and the customer is told why

    Scenario: Cards that are declined
      When orders are paid by these cards, each through both nodes with one key
        | card          |
        | declined      |
        | without funds |
        | expired       |
      Then each customer is told just that both times, and nothing is charged
      And each order can be paid by another card
      And all accounts agree

  Rule: Nobody but the provider can say that an order is paid

    Scenario: Forged events are refused and change nothing
      Given an order whose payment was decided, which no node has heard of yet
      When the event that it is paid comes to both nodes, but
        | forgery                                     |
        | it has no signature                         |
        | somebody else's secret signed it            |
        | an empty secret signed it                   |
        | it has a signature of the old scheme only   |
        | it was signed 301 seconds ago               |
        | it was signed for an hour from now          |
        | one byte was changed after it was signed    |
        | its signature has letters beyond ASCII      |
      Then each of them is refused
      And the order does not count as paid until the true event has come

    Scenario: Senseless events, rightly signed, break nothing and pay for nothing
      Given an order whose payment the bank has not decided
      When these come to both nodes, rightly signed
        | event                                       |
        | null                                        |
        | a number                                    |
        | a list                                      |
        | an empty object                             |
        | no JSON                                     |
        | an event without data                       |
        | an event of a kind that nobody knows        |
        | an event about a payment that nobody knows  |
        | an event of the live world                  |
        | an event that 0.01 USD was paid             |
        | an event that the amount was paid in yen    |
      Then no node answers by an error of its own
      And the order does not count as paid

    Scenario: While the secret is being replaced, events count that the old or the new one signed
      When the payments of three orders are decided, signed by the old secret, by the new one, and by both
      Then within 5 s all orders count as paid
      And all accounts agree

    Scenario: A node that was given no secret takes no event
      Given an order whose payment was decided, which no node has heard of yet
      When a node without a secret starts, and is given the event
      Then it has taken none
      And the order does not count as paid

  Rule: An event counts once, in whichever order events come

    Scenario: One event, ten times at once over both nodes
      Given an order whose payment was decided, which no node has heard of yet
      When the event that it is paid comes 10 times at once
      Then every delivery is taken
      And the order counts as paid
      And all accounts agree

    # Charged and paid, refunded in part: 24 orders of arrival, each on an order of its own.
    Scenario: Four events in every order, each of them twice
      When four events about an order of 19.99 USD, of which 5.00 USD were refunded, come in each of 24 orders, twice each
      Then all orders count as paid, and 5.00 USD of each as refunded
      And all accounts agree

  Rule: An event that was taken has had its effect, whatever happens to the node

    Scenario Outline: Events that come while <what> cannot be reached
      Given a refund on the provider's page, a dispute and the end of a subscription, which no node has heard of yet
      And an order whose payment was decided, which no node has heard of yet
      And both nodes are cut off from <what>
      And the provider has sent its events, and sends again what is not taken
      When both nodes reach <what> again
      Then no node had said meanwhile that an event was taken
      And within 10 s the order counts as paid
      And within 10 s the refund, the dispute and the end of the subscription have had their effects
      And all accounts agree

      # How a payment is when an event comes, the provider has to be asked; it may not be reached just then.
      Examples:
        | what         |
        | the database |
        | the provider |

    Scenario: A node dies while it writes what an event has told it
      Given an order whose payment was decided, which no node has heard of yet
      When the first node is killed in the middle of taking the event
      Then within 10 s the order counts as paid
      And all accounts agree

  Rule: No more is given back than was paid

    # The provider is told to refund whatever it is asked to, so that it is the platform that is judged.
    Scenario: Refunds in parts, up to what was paid
      Given orders of these amounts that are paid
        | amount | currency |
        | 100.00 | USD      |
        | 5000   | JPY      |
        | 12.340 | KWD      |
      When some of each is given back, the same again, some on the provider's page, too much, and then the rest
      Then all that was paid has gone back, and no more
      And all accounts agree

    # With a slow database both have seen what is left before either has written what it takes.
    Scenario: Two refunds at once that are too much together
      Given an order of 100.00 USD that is paid
      And both nodes' requests reach the database 250 ms late
      When 60.00 USD are refunded through each node at the same time
      Then one operator is told that it is refunded, and the other that it is not
      And 60.00 USD have gone back
      And all accounts agree

    Scenario: Refunds that come to nothing can be made again
      Given three orders of 100.00 USD that are paid
      And a refund of 60.00 USD of each is under way, beside which no other 60.00 USD can be refunded
      When one refund fails at the bank, one is canceled there, and the last one is made
      Then within 5 s nothing of the first two counts as refunded, and 100.00 USD can be
      And within 5 s 60.00 USD count as refunded
      And all accounts agree

    Scenario: What a customer's bank has taken back is not refunded as well
      Given four orders of 100.00 USD of one customer, that are paid
      And the customer's bank has disputed three of the payments, which the platform's books know within 5 s
      When one dispute is won, one is lost, and one goes on
      Then within 5 s the platform's books have back what was won, and nothing else
      And what was won, or never disputed, can be given back, and the rest is not, before that and after
      And no refund of what is gone was asked for
      And all accounts agree

  Rule: Subscribers have what they pay for, and pay for what they have

    Scenario: A subscriber whose card fails keeps access until the last attempt
      Given a subscriber to the basic plan since 2026-01-17, with a trial of 14 days
      And the subscriber has paid until 2026-03-31
      When the subscriber's card fails from then on
      Then the subscriber has access
        | day        | access |
        | 2026-03-31 | basic  |
        | 2026-04-01 | basic  |
        | 2026-04-03 | basic  |
        | 2026-04-05 | none   |
      And the subscriber was charged 60.00 USD in all

    Scenario: A change of plan costs what was quoted
      Given a subscriber to the basic plan since 2026-01-01
      And on 2026-01-11 at noon a change to the team plan was quoted
      When the subscriber changes to the team plan 23 hours later
      Then the invoice is what was quoted
      And the subscriber has access to the team plan

    # Whoever may choose the moment pays next to nothing: the rest of the last day of a month.
    Scenario: A quote is good for whom it was made
      Given a subscriber to the basic plan since 2026-01-01
      And on 2026-01-30 at noon a change to the team plan was quoted
      And another subscriber to the basic plan since 2026-01-11
      When the other subscriber changes to the team plan for that quote
      Then the change is refused
      And both have access to the basic plan
      And each of the two was charged 30.00 USD in all

    Scenario: A quote is good for a day
      Given a subscriber to the basic plan since 2026-01-01
      And on 2026-01-11 at noon a change to the team plan was quoted
      When the subscriber changes to the team plan 25 hours later
      Then the change is refused
      And the subscriber has access to the basic plan
      And the subscriber was charged 30.00 USD in all

    Scenario: A change of plan that is not paid for does not happen
      Given a subscriber to the basic plan since 2026-01-01
      And on 2026-01-11 at noon a change to the team plan was quoted
      And the subscriber's card fails from now on
      When the subscriber changes to the team plan 23 hours later
      Then the subscriber is told that the card was declined
      And the subscriber has access to the basic plan
      And the subscriber was charged 30.00 USD in all

    # On the provider's page a customer cancels by a date, and not by "at the end of the period".
    Scenario: Who cancels keeps access to the end of what is paid for, and is not charged again
      Given a subscriber to the basic plan since 2026-01-31
      And another subscriber to the basic plan since 2026-01-31
      And one cancels with the platform, the other on the provider's page, and the provider tells of that late
      When time goes by until 2026-03-31, and what is late comes then
      Then both had access to the basic plan until 2026-02-28, and have none now
      And each of the two was charged 30.00 USD in all

    Scenario: Two clicks make one subscription
      When somebody subscribes through the second node while the same is under way through the first
      Then there is one subscription more
      And the subscriber was charged 30.00 USD in all

    Scenario: Whoever's card was declined subscribes by another one
      Given somebody's card was declined when they subscribed to the basic plan
      When they subscribe by another card
      Then they are told that they have subscribed
      And the subscriber has access to the basic plan
      And there is one subscription more
      And the subscriber was charged 30.00 USD in all

  Rule: Every amount is exact in its currency

    Scenario: What is charged is what the lines cost, in whole numbers of the smallest unit
      When orders of these lines are paid
        | lines                | currency | charged |
        | 1 x 19.99            | USD      | 1999    |
        | 1 x 1.15             | USD      | 115     |
        | 3 x 0.10, 1 x 999.99 | USD      | 100029  |
        | 7 x 4.35, 2 x 0.29   | EUR      | 3103    |
        | 1 x 500              | JPY      | 500     |
        | 3 x 1.240, 1 x 1.40  | KWD      | 5120    |
        | 1 x 2.50, 1 x 2.50   | EUR      | 500     |
      Then each was charged just that
      And all of it can be given back, and is just that
      And all accounts agree

    Scenario: A payment of anything but what the order costs does not pay for it
      Given orders of 19.99 USD whose payments the bank has not decided
        | paid  | currency |
        | 0.01  | USD      |
        | 19.98 | USD      |
        | 1999  | JPY      |
      When the bank pays for them
      Then within 5 s the platform's books have just that for each
      And none of the orders counts as paid
      And all accounts agree

    Scenario: Prices that there are not
      When something is ordered at these prices
        | price      | currency | answer  |
        | 0          | USD      | invalid |
        | -5.00      | USD      | invalid |
        | 19.999     | USD      | invalid |
        | 1.5        | JPY      | invalid |
        | 1.2345     | KWD      | invalid |
        | 1.235      | KWD      | invalid |
        | 1000000.00 | USD      | invalid |
        | 1e400      | USD      | invalid |
        | NaN        | USD      | invalid |
        | five       | USD      | invalid |
        | 5.00       | XXX      | invalid |
      Then each is refused as it says

    Scenario: What nobody may do moves no money
      Given an order of 19.99 USD
      And an order of 19.99 USD that was paid with the key "first"
      When these are tried
        | mistake                                                | answer    |
        | a customer pays an order of somebody else              | not found |
        | a customer asks for the receipt of somebody else       | not found |
        | a customer pays an order that there is not             | not found |
        | a customer pays by the number of a card                | invalid   |
        | a customer subscribes by the number of a card          | invalid   |
        | a customer pays by a card that there is not            | declined  |
        | a customer pays another order with a key that was used | conflict  |
        | a customer gives themselves money back                 | forbidden |
        | an operator refunds what is not paid                   | conflict  |
        | an operator refunds nothing                            | invalid   |
        | an operator refunds less than nothing                  | invalid   |
        | an operator refunds half a cent                        | invalid   |
        | an operator refunds in another currency                | conflict  |
      Then each is refused as it says
      And all accounts agree

  Rule: What our books and the provider's do not agree on is found, and nothing secret is

    Scenario: Both nodes find every difference once, over several pages, and nothing else
      Given 6 paid orders, among which are these differences to the provider's books
        | kind     |
        | missing  |
        | extra    |
        | amount   |
        | currency |
        | status   |
      And an order whose payment was decided, of which no event will come
      And payments, refunds, a dispute and subscriptions of every other kind, of which no event has told
      And one more order that the provider has charged, and has not answered yet
      When both nodes reconcile at the same time, and then one again
      Then each time exactly these differences are found, and each is kept once
      And what no event had told of is known by now

    Scenario: No card, key or secret is in any log or table
      When orders are paid, refused and refunded, a card's number is typed by mistake, and events are forged
      Then none of it is in a log or a table
