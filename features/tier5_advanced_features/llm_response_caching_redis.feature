@L3 @tier5 @saving.100000 @container.redis @container.model-provider @container.toxiproxy @container.platform
Feature: Answers of language models are paid for once, and nobody gets the answer to another question
  Customers ask language models through us, and many ask what was asked before. Each answer that we have kept saves what
  the provider would charge for it, a good two fifths of the bill. One answer that was made for another question, or for
  another customer, costs more than all of that.

  Customers ask through two gateways, which keep answers in Redis for 20 s, or through two renewed ones, which have
  another embedder and keep answers for 4 s. What was paid for is counted by the provider; each of its answers says
  which question it was made for, and for whom.

  Background:
    Given two gateways in front of the provider

  Rule: A question is paid for once, and whatever shapes its answer makes it another question

    @performance
    Scenario: A question that is asked again is answered from the cache, through either gateway
      Given the provider takes 300 ms for each answer
      And a customer has asked a question through the first gateway
      When it is asked again, 5 times through each gateway
      Then each answer is the first one, in every part of it
      And the provider was asked once
      And each took at most a fifth of the time that the first took

    Scenario: Whatever shapes an answer makes another question
      When customers ask a question twice, and then change the model, the messages or any field that shapes the answer
      Then asking again cost nothing, and each change cost one call

    Scenario: What does not shape an answer does not make another question
      When customers ask a question twice, and then change only fields that say nothing of the answer, or their order
      Then asking again cost nothing, and the changes cost nothing either

    Scenario: A day of questions costs two fifths less, and every answer is the right one
      When customers ask 400 times, 100 questions as often as people do, through both gateways
      Then the provider's bill is at least 40 % lower than without the gateways, and every answer is its question's own
      And the gateways tell to the token what was paid and what was saved

    Scenario: A day on which no question comes twice costs no more than without the gateways
      When customers ask 60 questions that are all different, through both gateways
      Then the provider's bill is at most 2 % higher than without the gateways, and every answer is its question's own

  Rule: Questions that look alike never share an answer, and the same question in other words does

    # To the embedder each two are as good as the same; what is asked is drawn anew in each run.
    Scenario: Questions that differ in what matters each get their own answer
      When customers ask 2 pairs of questions each that to the embedder are 0.999 alike, and that differ in
        | what                      | for example                                        |
        | a number                  | Transfer 250 or 2500 dollars to Alice              |
        | two digits                | Where is order 1234567 or 7654321                  |
        | a decimal point           | Is a dose of 3.5 mg or 35 mg right                 |
        | a sign                    | Is 10 or -10 degrees too cold                      |
        | a name                    | When does Alice or Bruno start                     |
        | a date                    | What was our profit in May 2023 or 2024            |
        | the time of day           | Wake Alice at 5 am or 5 pm                         |
        | not                       | Which rooms are free or not free                   |
        | a prefix                  | Is it safe or unsafe                               |
        | the opposite              | How do I enable or disable it                      |
        | the direction             | The flight from Rome to Oslo, or from Oslo to Rome |
        | to or from                | Which trains run to Rome, or from Rome             |
        | by or on a day            | Can it arrive by Monday, or on Monday              |
        | and, or or                | Is the room dry and warm, or dry or warm           |
        | who is compared with whom | Is Alice older than Bruno, or Bruno than Alice     |
        | the unit                  | 5 km or 5 miles                                    |
        | the language              | Translate it into German or French                 |
        | a word that limits        | Show the invoice, or just the invoice              |
        | signs at the end          | How is it done in C, or in C++                     |
        | a share                   | Can I have a discount of 5, or of 5 %              |
        | a capital letter          | Who sells polish or Polish                         |
      Then each of them is answered for itself, also after long rules that both share
      And so are those who say the same after another history

    Scenario: The same question in other words is paid for once
      When customers ask 5 pairs of questions each that to the embedder are 0.97 alike, and that differ in
        | what                   |
        | the first letter small |
        | no question mark       |
        | please                 |
        | please at the end      |
        | a contraction          |
        | more blanks            |
      Then at least 90 % of the pairs are paid for once, and no answer is another question's

    Scenario: Questions that the embedder tells apart are two, though all but an article is the same
      When customers ask 6 pairs of questions that differ in an article, and that to the embedder are 0.2 alike
      Then each of them is answered for itself

    # What one embedder makes of a text says nothing to another, and finds other questions alike.
    Scenario: The embedder is changed, and nothing is found by what the old one made
      Given customers have asked 4 questions through the first gateway, and in other words
      When they ask the same through the renewed gateways, and then what only their embedder tells apart
      Then each answer is right, and what the new embedder tells apart is answered for itself

  Rule: No customer is ever given what was made for another

    Scenario: A customer who asks what another has asked pays for an own answer
      Given a customer has asked a question that others will ask
      When another asks the same in other words and in the same, through both gateways, also as if it were the first
      Then each of them paid for one answer, and got no other

    Scenario: Two customers who ask the same at the same time do not wait for each other
      Given two customers with the same question
      When both ask it at the same time, and the provider answers when it has been asked by both
      Then each of them got an answer of their own

  Rule: An answer is given for as long as it lives, however often it is asked for

    # In other words it lives no longer, also in such as were first asked in the middle of its life.
    Scenario: An answer lives for 4 s from when it was made, and nothing of it for longer
      Given a customer has asked a renewed gateway, and another one asks, whom the provider answers after 2 s
      When it is asked again every 250 ms for 4.5 s, in these words and in others, through both renewed gateways in turn
      Then the first answer is given until 3.6 s after it was made, and from 4.4 s on a new one
      And an answer that took so long to make is still given 3 s after it was made
      And everything in Redis ends within 40 s

  Rule: When a document or a model changes, exactly the answers that rest on it are made anew

    Scenario Outline: A document changes: <name>
      Given a customer has asked on the documents Prices and Terms, on both, on much the same names, and on none
      When the document <name> changes, told to the first gateway
      Then exactly the questions on <name>, and on Prices and Terms, are asked anew through either gateway

      Examples:
        | name   |
        | Prices |
        | Terms  |

    Scenario: A model changes
      Given a customer has asked the models small and large
      When the model small changes, told to the first gateway
      Then exactly the questions to small are asked anew through either gateway

    Scenario: A document changes while an answer that rests on it is under way
      When a customer asks on a document, which changes before the answer arrives, and others ask then or later
      Then from now on both gateways give one new answer

    Scenario: A document changes, and the gateway that is told cannot reach Redis
      Given a customer has asked a question on the document prices
      And the first gateway is cut off from Redis
      And the document prices has changed, which the first gateway was told
      When the first gateway reaches Redis again
      Then within 5 s the gateway says that prices is forgotten, and nobody is given the old answer then

  Rule: Whatever Redis loses of an answer, people get the right one

    Scenario Outline: Each key that an answer has in Redis <spoilt>
      When a customer's answer is in Redis, and one key of it <spoilt>, one key after the other
      Then whoever asks the same, in these or other words, was given the right answer, paid for at the most once more each

      Examples:
        | spoilt                 |
        | is lost                |
        | is cut in half         |
        | is something else      |
        | is of an older release |

  Rule: When Redis has no room for more, what many ask for stays

    # An operator says how much memory Redis has, and what is to go when that is used up. Where that is what was used
    # least often, what is new goes first, and is kept once there is room again.
    Scenario Outline: Redis has no room for more, and drops what was used <least>
      Given Redis is to drop what was used <least>
      And 36 long answers have been asked for once, and 10 again and again
      And Redis has room for no more than that
      When 16 more long answers are asked for
      Then at least 9 of those that were asked for again and again are still given
      And 6 that are asked for <when> are kept
      And the others are given right in other words, each paid for at the most once more

      Examples:
        | least        | when                   |
        | least lately | now                    |
        | least often  | once it has room again |

  Rule: Many who ask the same at the same time cost one call

    Scenario: A hundred ask the same at once
      Given the provider lets everybody wait
      And 50 people ask the same through the first gateway
      And 50 people ask the same through the second gateway
      When the provider answers after 2 s
      Then all of them get the answer of one call
      And the provider was asked at most once, and never twice at the same time

    Scenario: The gateway that asks is killed, and the other takes over
      Given the provider lets everybody wait
      And 20 people ask the same through the first gateway
      And 20 people ask the same through the second gateway
      And all of them have waited for 1 s
      When the first gateway is killed
      Then within 3 s the second gateway asks, and its people get that answer

    Scenario: The gateway that asks freezes, and the other takes over for good
      Given the provider lets everybody wait
      And somebody asks through the first gateway
      And 20 people ask the same through the second gateway
      When the first gateway freezes
      Then within 3 s the second gateway asks, and its people get that answer
      And the first gateway's late answer, when it goes on, is given to nobody who asks then

    Scenario: The provider's error is told to all who wait, and does not send each of them to it
      Given the provider lets everybody wait, and then has an error for them
      And 20 people ask the same through the first gateway
      And 20 people ask the same through the second gateway
      When the provider answers after 500 ms
      Then all of them hear that the provider failed
      And the provider was asked at most 2 times, and never twice at the same time

  Rule: What is no complete answer is never given again

    Scenario Outline: The provider's answer <what>
      When a customer asks a question, and the provider's answer <what>
      Then whoever asks it next is answered by a new call, and that answer is kept

      Examples:
        | what                                   |
        | is an error of the provider            |
        | is that too much was asked             |
        | is no JSON                             |
        | is cut short by its limit              |
        | is filtered                            |
        | is a refusal                           |
        | calls a tool                           |
        | has no words                           |
        | is nothing but blanks                  |
        | ends in the middle as if it were whole |
        | ends in an error in the middle         |
        | breaks off in the middle               |

    Scenario: Nobody waits for the rest of an answer
      Given two people have heard 6 pieces of an answer, and the provider lets the next one wait
      When the one hangs up, and then the other
      Then the provider was asked until the other had hung up, and no longer
      And whoever asks it next is answered by a new call, and that answer is kept

    Scenario: A question that asks for a new answer each time gets one
      When a customer asks with a temperature, high or low, with the provider's own, and not to be kept, 3 times each
      Then each of them was answered by a call of its own

    Scenario: Whoever says that a kept answer will do gets one, whatever the temperature
      When a customer asks with a temperature, and says that a kept answer will do, 4 times
      Then all of them were answered by one call

  Rule: An answer is the same whole and in pieces, however it came

    Scenario: An answer is given again whole and in pieces, however it came
      Given a customer has asked one question whole, and others in pieces, with and without what it cost
      When each is asked again in all of these forms, through both gateways
      Then the words are the same in all forms, and each piece is as it was
      And what it cost is told to those who ask, and to nobody else
      And each was paid for once

  Rule: Without Redis everybody is answered, and nobody waits for it

    # Each of two gateways may wait a second to find it out. Were it found out for each question, 20 took 20 s, and 10 s
    # even if half a second were enough for that.
    Scenario Outline: Questions are answered while <outage>
      Given 4 new questions are asked
      And 4 others wait for an answer of the provider's
      And <outage>
      When 20 new questions are asked
      Then they took at most 5 s longer than others that are not to be kept
      And those who waited have got theirs

      Examples:
        | outage        |
        | Redis is down |
        | Redis hangs   |
        | Redis is full |

    Scenario: When Redis is back, questions are paid for once again
      Given 4 new questions are asked
      And Redis is down
      And for 6 s new questions are asked
      When Redis is back
      Then within 5 s a question that both gateways are asked is paid for once

  Rule: Whoever asks what cannot be answered hears what is wrong, and it costs nothing

    Scenario Outline: A question <wrong>
      When a question <wrong> is asked through both gateways, whole and in pieces
      Then each time it is told as <refusal>, and is not paid for

      Examples:
        | wrong                        | refusal         |
        | without messages             | refused         |
        | to a model that is not there | refused         |
        | without a key                | unauthenticated |
