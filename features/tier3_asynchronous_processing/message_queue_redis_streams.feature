@L3 @tier3 @mrr.75000 @container.redis-durable @container.toxiproxy @container.upstream @container.platform
Feature: Every message takes effect once, whoever dies
  Receipts, invoices and shipments are sent by workers, after the customer has left. A message that is lost is a customer
  who waits for nothing; one that takes effect twice is a second invoice; one that overtakes another is a wrong order.

  Two producers take messages in, two workers do what they ask for, and the queue between them is in Redis. A worker that
  was not heard for 1 s has lost its messages to the other. What fails is tried again after 400 ms and 800 ms, or a
  little later; after 3 deliveries it is a dead letter, or when the provider has refused it for good. A payload has 64 KiB
  at the most. Effects are counted at the provider, which does the same request once.

  Background:
    Given two producers and two workers around a queue

  Rule: Every accepted message takes effect, once, however its worker ends

    Scenario: Both workers together do everything once, and nothing is left
      When 15 customers each publish 6 messages, each of them through both producers
      Then within 20 s each message has taken effect once, and each customer's in order
      And the provider was asked for each as it was published, and for none twice
      And within 5 s nothing is left of them in the queue

    # One of the dead worker's messages has taken effect, which it cannot say any more: another one asks the provider
    # again, for the same request.
    Scenario: A dead worker's messages are taken over, and a living one keeps what takes long
      Given messages under way at both workers, one of which has taken effect, and another behind each
      And a backlog of 2 messages of each of 30 customers, each of which takes 800 ms
      When the first worker is killed
      Then within 4 s the second worker is at work on what the first one had
      And of its own, which it has had for 2 s, it has begun none again
      And when the provider answers, each has taken effect once within 5 s, each customer's in order

    # It says each quarter of a second that it is at work; here one such sign is lost.
    Scenario: A worker that is not heard for a moment, and less than 1 s, keeps what it has
      Given messages under way at both workers, one of which has taken effect, and another behind each
      And Redis refuses every change
      And 260 ms have passed
      When Redis takes changes again
      Then for 1.2 s each worker keeps what it has, and nothing is delivered again
      And when the provider answers, each has taken effect once within 5 s, each customer's in order

    Scenario: A worker that froze and wakes up late changes nothing that another has done
      Given messages under way at both workers, one of which has taken effect, and another behind each
      And the first worker freezes
      And the second worker has taken over what the first one had, whose own calls end well, badly or not at all
      And the first worker is back
      When the first worker is asked to end
      Then for 2 s nothing is delivered again, and nothing is a dead letter
      And when the provider answers, each has taken effect once within 5 s, each customer's in order

    Scenario: A rollout under load interrupts nothing that is short, and hands over what is long
      Given a message that has failed once, and takes longer than any rollout
      And 8 customers who publish all the time
      When both workers are replaced, one after the other
      Then each of them has ended within 8 s, and until then nobody else began what it had
      And within 10 s each message has taken effect once, and each customer's in order
      And the long one, which goes on to fail, is a dead letter after 3 failures, as any other
      And nothing but the long one was interrupted, nothing was begun by two, and nothing else is a dead letter

  Rule: Each customer's messages take effect in their order, and nobody waits for another customer

    Scenario: A message that is tried again is not overtaken, and other customers do not wait for it
      When a customer publishes 2 messages, one that fails and is tried again, and 5 more, and all whose names look alike publish 2 each
      Then within 8 s the other customers' messages are done, and the failing one is not
      And when the provider answers, each has taken effect once within 8 s, each customer's in order

  Rule: What fails is tried again after a while, and what always fails is kept and put aside

    Scenario: A provider that fails twice is asked again, later each time
      Given how many messages are under way at once when many wait
      And 20 messages that fail twice, in every way in which a call can fail
      When another message of each of these customers is published while they wait, and they are published again
      Then within 8 s each message has taken effect once
      And each was tried again after 400 ms and after 800 ms, by up to 20 % and 1 s later
      And all of them, and those behind them, were told of as unfinished meanwhile
      And as many are under way at once as before when many wait

    Scenario: A message that always fails is a dead letter after 3 deliveries, or as soon as one can be written
      Given dead letters cannot be written
      And a message is published that makes no sense
      And a message is published that always fails, and 3 more of its customer and 10 of others
      When 2 s after its last delivery dead letters can be written again
      Then within 8 s it is a dead letter after 3 deliveries, so is the one that makes no sense, both whole
      And within 5 s each of the others has taken effect once
      And when its producer publishes it again, it is still that dead letter, holds up nobody, and is not unfinished

    Scenario: A message that its workers die of is a dead letter, too, and they leave no names behind
      Given a name in the consumer group for each who works on messages
      When a message is published that each worker dies of
      Then within 8 s it is a dead letter, whole, after 3 deliveries
      And within 8 s the consumer group has no more names than before

    Scenario: A dead letter that is tried again takes effect once, and comes back where it fails again
      Given 3 customers each have a dead letter
      And the next message of the first one's customer is under way
      When two people each try the first two again at once, and the provider has recovered for the first
      Then within 5 s the first one has taken effect once, and is no dead letter any more
      And within 8 s the second one is a dead letter again, whole, after 3 more deliveries
      And the third one is the same dead letter as before, and was not delivered again
      And within 5 s nothing is left of them in the queue

  Rule: Whatever becomes of Redis, what was accepted is done, and was accepted once

    Scenario: A message that is published again because its answer was lost is the same message
      Given 20 messages were published at once through the first producer
      And Redis's answers to the first producer are lost
      When 20 messages are published through the first producer, and again through the second
      Then within 8 s each message has taken effect once, and none was doubled
      And within 5 s nothing is left of them in the queue

    Scenario: A Redis that is killed under load has lost nothing that was accepted
      Given 8 customers who publish all the time
      When Redis restarts
      Then within 15 s each message has taken effect once, and each customer's in order
      And what fails from now on is tried again, and has taken effect within 5 s
      And within 5 s nothing is left of them in the queue

    Scenario: Workers whose connections to Redis hang go on when these work again
      Given 8 customers who publish all the time
      And both workers' connections to Redis hang without an error
      And 1.2 s have passed
      When both workers reach Redis again
      Then within 15 s each message has taken effect once, and each customer's in order
      And what fails from now on is tried again, and has taken effect within 5 s
      And within 5 s nothing is left of them in the queue

    Scenario Outline: When <lost> is lost, the workers go on by themselves
      Given both workers freeze
      And 30 messages are waiting
      When <lost> is lost, 30 of these customers publish another one, and both workers are back
      Then within 10 s each message has taken effect once that was published since
      And the nodes have written fewer than 200 lines about it, and asked Redis in vain fewer than 300 times

      Examples:
        | lost                     |
        | the consumer group       |
        | the whole stream         |
        | each entry of the stream |

  Rule: The queue holds what is not done, all of it and nothing else, and tells how much that is

    Scenario: Nothing is dropped while workers stand still, all of it is counted, and what is done is not kept
      Given 20 messages have failed once, and wait to be tried again
      And both workers freeze
      When 35 customers each publish 3 messages, each of them through both producers
      Then both producers tell of 125 unfinished messages
      And when both workers are back, each has taken effect once within 20 s, each customer's in order
      And within 5 s nothing is left of them in the queue

  Rule: A message that makes no sense harms nobody, and is not lost

    Scenario: A message that makes no sense is kept as it was, for somebody to look at
      Given how many messages are under way at once when many wait
      When a message with each of these is published, and a good one of its customer after it
        | mistake                           |
        | a payload that is no JSON         |
        | a payload that is no text         |
        | no payload                        |
        | a number that JSON does not have  |
        | a list in the place of an object  |
        | null in the place of an object    |
        | thousands of lists in each other  |
        | a type that nobody knows          |
        | no type                           |
        | nobody to whom it goes            |
        | an empty name to whom it goes     |
        | a list in the place of that name  |
        | half of a character in that name  |
        | a provider that answers 404       |
        | a provider that answers 422       |
        | a provider that answers 307       |
      Then within 5 s each of them is a dead letter, byte by byte, and nothing of it was done
      And as many are under way at once as before when many wait
      And within 5 s each of the others has taken effect once

    Scenario: A message that is too large, or of nobody, is refused
      When a message with each of these is published, and a good one of its customer after it
        | mistake                            | refused as |
        | a payload that is too large        | too large  |
        | pieces that are too large together | too large  |
        | no id                              | invalid    |
        | no customer                        | invalid    |
      Then each of them was refused so, and nothing of it is kept
