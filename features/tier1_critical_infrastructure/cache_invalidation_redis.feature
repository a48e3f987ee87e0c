@L3 @tier1 @mrr.25000 @database @container.redis @container.redis-cluster @container.postgres @container.toxiproxy @container.platform
Feature: Nobody is shown a price that is no longer true
  Shops sell through us, and change their prices all day. A customer who is shown an old price pays too much and
  complains, or pays too little and the shop complains; either way it is we who pay back. Prices are cached
  because the database could not bear the crowd, so every cache has to forget in time.

  Customers come to two storefronts. Each keeps prices in its own memory; behind these, both share a Redis server
  for prices and a Redis Cluster for the pages that customers see. The database has the truth.

  Background:
    Given a new shop on two storefronts

  # The storefronts of this feature keep what is cached for 10 s at most, and for 8 s at least.
  Rule: What is cached ends in time, and not before

    Scenario: A price that was changed where nobody could hear of it is found out when its time is over
      Given 40 products whose prices the first storefront has cached
      When the prices are changed in the database, behind the storefronts' back
      Then 7.2 s to 8 s after they were cached both storefronts still show the cached prices
      And 100 ms after the end that Redis has set to each, both storefronts show its new price
      And 10.1 s after they were cached both storefronts show the new prices

    Scenario: Nothing is cached for ever, whatever customers and shops do
      Given 20 products whose prices both storefronts have cached
      When prices and pages are looked at, changed, removed and looked for in vain, at both storefronts
      Then all that the caches hold ends by itself within 10 s, also what is being fetched for 4 s

  Rule: What was cached together does not end together

    Scenario: A thousand prices that are cached in a rush come back to the database one by one
      Given 1,000 products that nobody has looked at
      When all of them are looked at, and each once more as soon as it has ended
      Then each was cached for 8 s to 10 s
      And nine in ten of the cached prices end spread over 1 s or more
      And at no moment do more than 2 times as many end as if they ended evenly, 8 s to 10 s later
      And the database was asked 2 times for each of them

  Rule: A clear removes what it is meant for, and nothing that only looks like it

    Scenario: Shops with names that look alike keep what is theirs
      Given 1,000 cached prices in each of 5 shops, named like 7, a*b, a?b, a[bc]d and e\f%
      And 1,000 cached prices in each of 5 others, named like 70, axxb, axb, abd and e\f%:g
      When each of the first 5 shops changes its discount, at both storefronts in turn
      Then none of their 5,000 cached prices is left, and all 5,000 of the others are

    Scenario: Both storefronts forget what was cleared
      Given 20 products whose prices both storefronts have cached
      And 20 pages of the shop that both storefronts have cached
      When the shop changes its discount at the first storefront
      Then within 1 s both storefronts show the new prices
      And within 1 s both storefronts show the new discount on these pages

  Rule: A clear does not hold up those who read

    @performance
    Scenario: 200,000 prices are cleared while others read
      Given 200,000 cached prices of the shop
      When the shop changes its discount while others ask Redis
      Then none of the shop's cached prices is left
      And Redis was never asked for all keys at once, nor to delete anything while others wait
      And it went over the prices in steps, of no more than 1 in 100 each
      And 99 in 100 of those who come at any moment wait less than a third of the time that the clear took

  Rule: A clear reaches every server of a cluster

    Scenario: Pages on all servers are cleared
      Given 20,000 cached pages of the shop and 5,000 of another, on all servers of the cluster
      When the shop changes its discount at the first storefront
      Then none of the shop's cached pages is left on any server, and all of the other's are
      And Redis was never asked for all keys at once, nor to delete anything while others wait
      And both storefronts show the new discount on every page that is looked at

    Scenario: Pages that change servers during a clear do not escape it
      Given 20,000 cached pages of the shop and 5,000 of another, on all servers of the cluster
      When the shop changes its discount while some of its pages move to other servers
      Then none of the shop's cached pages is left on any server, and all of the other's are
      And both storefronts show the new discount on every page that is looked at

  Rule: A change at one storefront is seen at the other at once

    @performance
    Scenario: A thousand changes are looked for at the other storefront
      Given 50 products whose prices both storefronts have cached
      When each price is changed 20 times, at both storefronts in turn
      Then 99 in 100 changes were seen at the other storefront within 250 ms, and every one within 1 s
      And whoever had seen a new price was never again shown an older one

    Scenario: A change is told also where Redis and the storefront that takes it have no copy
      Given 10 products whose prices the first storefront has cached
      And Redis has dropped these to make room
      When the prices are changed at the second storefront
      Then within 1 s both storefronts show the new prices

    Scenario: Whoever looks while a change is being told does not keep the old price alive
      Given 20 products whose prices both storefronts have cached
      And the first storefront's requests reach Redis up to 400 ms late
      When the prices are changed at the first storefront, while customers look at the second all the time
      Then within 1 s both storefronts show the new prices

  Rule: A slow reader never brings an old price back

    Scenario: Two hundred prices change between a reader's look at the database and its answer
      Given 200 products that nobody has looked at
      When each is read by the first storefront, which gets the answer only after the price was changed at the second
      Then from now on both storefronts show the new prices

    # A change is missed while the connections are broken by which a storefront hears of changes.
    Scenario Outline: Whoever asks after <a change> is not given the answer to a question from before it
      Given 10 products that nobody has looked at
      And the first storefront has asked the database for their prices, and the answers are under way
      And 1 s ago there was <a change>
      When other customers ask the first storefront, before the answers arrive
      Then these customers are shown the new prices
      And from now on both storefronts show the new prices

      Examples:
        | a change                                   |
        | a change of prices at the second storefront |
        | a new discount at the second storefront    |
        | a change that was missed                   |

    Scenario: An answer of Redis that comes late does not bring an old price back
      Given 10 products that nobody has looked at
      And Redis has large entries for these, which come late to the first storefront
      When the first storefront has asked Redis for the prices, and they change at the second before the answers arrive
      Then from now on both storefronts show the new prices

  Rule: A storefront that cannot hear of changes does not trust what it remembers

    Scenario: When the connections break by which changes are heard of, both storefronts forget
      Given the connections broke once before, and stand again
      And 10 products whose prices both storefronts have cached
      And Redis's answers to the first storefront are 200 ms late
      And the prices were changed, and neither storefront has heard of it
      When the connections break by which the storefronts hear of changes
      Then within 3 s both storefronts show the new prices, and none of them an older one again

    Scenario: A connection that only seems whole is found out
      Given 10 products whose prices both storefronts have cached
      And the first storefront's connections to Redis hang without an error
      When the prices are changed at the second storefront
      Then from 4 s after that on, the first storefront shows the new prices

  Rule: Only what was committed is seen, and then at once

    Scenario: A change that is refused half-way leaves every cache as it was
      Given 2 products whose prices both storefronts have cached
      When the shop asks for a price and an impossible one in one step, and for an impossible discount
      Then the shop is told that both were refused
      And both storefronts show the cached prices, without asking the database again
      And nothing has changed in the database

    Scenario: A list of new prices is seen as a whole
      Given 10 products whose prices both storefronts have cached
      When the shop changes all of these prices in one step, at the first storefront
      Then within 1 s both storefronts show the new prices

    Scenario Outline: Whoever reads just before the commit of <changes> does not keep the old price alive
      Given 10 products whose prices both storefronts have cached
      And <changes> at the second storefront, which wait for their commit
      When both storefronts are asked for the prices, and then these are committed
      Then within 1 s both storefronts show the new prices

      Examples:
        | changes       |
        | new prices    |
        | new discounts |
        | removals      |

  Rule: What was missing is found once it is there

    Scenario: A product that many have looked for in vain is seen as soon as it is sold
      Given a product that 100 customers have looked for in vain, at both storefronts in turn
      When the shop begins to sell it at the second storefront
      Then within 1 s both storefronts show its price
      And until then the database had been asked for it at most 2 times
      And once the shop has taken it out again, within 1 s both storefronts say so

  Rule: Without Redis customers are served, and the database is not overrun

    Scenario Outline: Two hundred customers come at once while <Redis>
      Given 200 products <that>
      And <Redis>
      When 200 customers look at all of these products at once, while the database is busy
      Then the database was never asked more than 60 questions at once
      And every customer is shown the price

      Examples:
        | Redis         | that                                      |
        | Redis is down | whose prices both storefronts have cached |
        | Redis hangs   | that nobody has looked at                 |

    Scenario: Customers are served also when Redis goes down while their prices are fetched
      Given 20 products that nobody has looked at
      When 40 customers look at all of them at once, and Redis goes down while the database is busy
      Then every customer is shown the price

    Scenario: Pages are shown while the whole cluster hangs
      Given the Redis Cluster hangs
      When 40 customers look at their pages at once
      Then within 10 s every customer is shown the page

    Scenario: What changed during an outage is not shown as it was before
      Given 10 products whose prices both storefronts have cached
      And both storefronts are cut off from Redis
      And the prices are changed at the first storefront
      When the storefronts reach Redis again
      Then for 2 s both storefronts show the new prices and nothing else

    Scenario: A change outlives the storefront that could not tell it
      Given 10 products whose prices both storefronts have cached
      And both storefronts are cut off from Redis
      And the prices are changed at the first storefront
      And the first storefront is killed
      When the second storefront reaches Redis again
      Then for 2 s the second storefront shows the new prices and nothing else

    Scenario: Redis is not trusted again before it has taken what it missed
      Given 10 products whose prices both storefronts have cached
      And both storefronts are cut off from Redis
      And the prices are changed at the first storefront
      And Redis refuses every change
      When the storefronts reach Redis again
      Then for 2 s both storefronts show the new prices and nothing else

    Scenario: A change that Redis refused for a moment is made up for
      Given 10 products whose prices both storefronts have cached
      And Redis refuses every change
      And the prices are changed at the first storefront
      When Redis takes changes again
      Then within 1 s both storefronts show the new prices

  Rule: A crowd costs the database one question

    Scenario Outline: Two hundred customers want the same product, and <Redis>
      Given a product that nobody has looked at
      And <Redis>
      When 200 customers look at it at once, at both storefronts, and the database takes <long>
      Then the database was asked for it at most <questions> times
      And every customer is shown the price

      Examples:
        | Redis                      | long | questions |
        | both storefronts use Redis | 6 s  | 1         |
        | Redis is down              | 2 s  | 2         |

    Scenario: A question that failed is asked again by whoever comes next
      Given a product that nobody has looked at
      When a customer looks at it, and the database cancels the question
      Then within 4 s both storefronts show its price
