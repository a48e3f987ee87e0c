@L3 @tier1 @mrr.25000 @database @container.redis @container.redis-cluster @container.postgres @container.toxiproxy @container.platform
Feature: Nobody is shown a price that is no longer true
  Shops sell through us, and change their prices all day. A customer who is shown an old price pays too much and
  complains, or pays too little and the shop complains; either way it is we who pay back. Prices are cached
  because the database could not bear the crowd, so every cache has to forget in time.

  Customers come to two storefronts. Each keeps prices in its own memory; behind these, both share a Redis server
  for prices and a Redis Cluster for the pages that customers see. The database has the truth.

  Background:
    Given a new shop on two storefronts

  # The storefronts of this feature keep what is cached for 5 s at most, and for 4 s at least.
  Rule: Cached prices expire in time, and not before

    Scenario: A price change that no storefront was told of is shown once the cached price has expired
      Given 16 products whose prices the first storefront has cached
      And Redis's answers to the second storefront are 300 ms late
      When the prices are changed directly in the database
      Then 3 s to 4 s after they were cached both storefronts still show the cached prices
      And 100 ms after a price expired in Redis, at an age of 5.1 s at the latest, both storefronts show the new one

    Scenario: Nothing is cached for ever, whatever customers and shops do
      Given 20 products that customers of both storefronts have looked at
      When prices and pages are looked at, changed, removed and looked for in vain, at both storefronts
      Then every entry of the caches expires within 5 s, also that of a price that takes 2 s to be fetched

    Scenario: Nothing is kept where no storefront can take it back
      Given 2 products whose prices both storefronts have cached
      When customers look at a price, at a product that is not sold, and at a page
      Then no browser or proxy on the way may show any of it again without asking

  Rule: Prices that were cached together do not expire together

    Scenario: Five hundred prices that are cached in a rush are fetched again one by one
      Given 500 products that nobody has looked at
      When all of them and 200 pages are looked at, and each price once more as soon as it has expired
      Then each was cached for 4 s to 5 s
      And nine in ten of them expire spread over 0.8 s or more
      And at no moment do more than 2 times as many expire as if they expired evenly, 4 s to 5 s later
      And the database was asked 2 times for each price, and once for each page

  Rule: Shops and products with similar names are told apart, also when a shop's cache is cleared

    Scenario: Shops and products with similar names have prices of their own
      Given shops with similar names and discounts of their own, and products with similar names, from 0 cents on
      When shops change prices, lists and discounts, take products out and add some, at both storefronts in turn
      Then within 1 s both storefronts show every product at its own price, and every page with its shop's discount

    Scenario: Shops with similar names do not clear each other's prices
      Given 501 cached prices and 101 cached pages in each of the shops named like 7, a*b, a?b, a[bc]d and e\f%
      And 501 cached prices and 101 cached pages in each of the other shops named like 70, axxb, axb, abd and e\f%:g
      When each of the first shops changes its discount, at both storefronts in turn
      Then none of their cached prices and pages is left, and all of the others' are

  Rule: A clear does not hold up those who read

    @performance
    Scenario: 100,000 prices are cleared while others read
      Given 100,000 cached prices of the shop
      When the shop changes its discount while others ask Redis
      Then none of the shop's cached prices is left
      And Redis was never asked for all keys at once, nor to delete anything while others wait
      And the prices were cleared in steps of no more than 1 in 100 each
      And 99 in 100 of those who come at any moment wait less than half of the time that the clear took

  Rule: A clear reaches every server of a cluster

    Scenario: Pages on all servers are cleared
      Given 20,000 cached pages of the shop and 5,000 of another, on all servers of the cluster
      When the shop changes its discount at the first storefront
      Then none of the shop's cached pages is left on any server, and all of the other's are
      And Redis was never asked for all keys at once, nor to delete anything while others wait
      And both storefronts show the new discount on every page that is looked at

    Scenario: Pages that move to another server during a clear are cleared, too
      Given 20,000 cached pages of the shop and 5,000 of another, on all servers of the cluster
      When the shop changes its discount while some of its pages move to other servers
      Then none of the shop's cached pages is left on any server, and all of the other's are
      And both storefronts show the new discount on every page that is looked at

  Rule: A change at one storefront is seen at the other at once

    @performance
    Scenario: Four hundred price changes at one storefront are seen at the other
      Given 20 products whose prices both storefronts have cached
      When each price is changed 20 times, at both storefronts in turn
      Then 99 in 100 changes were seen at the other storefront within 250 ms, and every one within 1 s
      And whoever had seen a new price was never shown an older one again

    Scenario: Whoever has changed a price sees it changed
      Given 16 products whose prices both storefronts have cached
      And Redis's answers to the first storefront come at 1,000 bytes a second
      When each price is changed at the first storefront, and looked at there as soon as that is done
      Then everybody who changed a price was shown the new one

    Scenario: Whoever has changed a list of prices or a discount sees all of it changed
      Given 24 products and 10 pages that both storefronts have cached
      When the shop changes all prices in one step, then its discount, 4 times over, and looks at once where it did so
      Then it was shown every new price and the new discount, each time
      And within 1 s both storefronts show the new prices, and the new discount on the pages

    Scenario: A change reaches a storefront that has the only cached copy
      Given 10 products whose prices the first storefront has cached
      And Redis has dropped these to make room
      When the prices are changed at the second storefront
      Then within 1 s both storefronts show the new prices

    Scenario: Looking at a price while it is being changed does not keep the old one
      Given 8 products whose prices both storefronts have cached
      And the first storefront's requests reach Redis up to 400 ms late
      When the prices are changed at the first storefront, while customers look at the second all the time
      Then within 1 s both storefronts show the new prices

    Scenario: Looking at prices and pages while a discount is being changed does not keep the old ones
      Given 8 products and 8 pages that both storefronts have cached
      And the first storefront's requests reach Redis 300 ms late
      When the shop changes its discount at the first storefront, while customers look at the second all the time
      Then within 1 s both storefronts show the new prices, and the new discount on the pages

    Scenario: Of two changes at the same time everybody sees the one that holds
      Given 16 products whose prices both storefronts have cached
      And the first storefront's requests reach Redis up to 400 ms late
      When each price is changed at the first storefront, and at the second before the first is done
      Then within 1 s both storefronts show the prices that the database has

  Rule: A slow read never brings an old price back

    Scenario: Forty prices change while the database's answers are under way
      Given 40 products that nobody has looked at
      When each is read by the first storefront, which gets the answer only after the price was changed at the second
      Then from now on both storefronts show the new prices

    # A change is missed while the connections are broken by which a storefront hears of changes.
    Scenario Outline: Whoever asks after <a change> is not given an answer from before it
      Given 16 products that nobody has looked at
      And the first storefront has asked the database for their prices, and the answers are under way
      And 300 ms ago there was <a change>
      When other customers ask the first storefront, before the answers arrive
      Then these customers are shown the new prices
      And from now on both storefronts show the new prices

      Examples:
        | a change                                |
        | a price change at the second storefront |
        | a new discount at the second storefront |
        | a change that was missed                |

    Scenario: A late answer of Redis does not bring an old price back
      Given 10 products that nobody has looked at
      And Redis has large entries for these, which come late to the first storefront
      When the first storefront waits for Redis's answers, the prices change at the second, and half are asked for again
      Then from now on both storefronts show the new prices

  Rule: A storefront that cannot hear of changes does not trust what it remembers

    Scenario: A storefront that lost the connection by which it hears of changes forgets what it knew
      Given the connections broke once before, and stand again
      And 10 products and 10 pages that both storefronts have cached
      And Redis's answers to the first storefront are 300 ms late
      And prices and the discount were changed, and neither storefront has heard of it
      When the connections break by which the storefronts hear of changes
      Then within 2 s both storefronts show the new prices and discount, and no older price again

    Scenario: A connection that hangs without an error is noticed
      Given 10 products whose prices both storefronts have cached
      And the first storefront's connections to Redis hang without an error
      When the prices are changed at the second storefront
      Then from 3 s after that on, the first storefront shows the new prices

  Rule: Only what was committed is seen, and then at once

    Scenario: A refused change leaves every cache as it was
      Given 2 products and 2 pages that both storefronts have cached
      When the shop asks at both for impossible prices, alone and beside a possible one, and for impossible discounts
      Then the shop is told each time that it was refused
      And both storefronts show the cached prices and pages, without asking the database again
      And nothing has changed in the database

    Scenario: Of lists that are changed at the same time one holds as a whole
      Given 10 products whose prices both storefronts have cached
      When 4 lists of new prices for all of these, in different orders, are changed at both storefronts at the same time
      Then the database has the prices of one list
      And within 1 s both storefronts show the prices that the database has

    Scenario Outline: Looking at a price just before the commit of <changes> does not keep the old one
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

    Scenario: A product that many have looked for in vain is shown as soon as it is sold
      Given a product that 100 customers have looked for in vain, at both storefronts in turn
      When the shop begins to sell it at the second storefront
      Then within 1 s both storefronts show its price
      And until then the database had been asked for it at most 2 times
      And once the shop has taken it out again, within 1 s both storefronts say so

  Rule: Without Redis customers are served, and the database is not overloaded

    Scenario: Two hundred customers come at once while Redis hangs
      Given 150 products that nobody has looked at
      And Redis hangs
      When 200 customers look at all of these, and 50 at pages, while the database is busy
      Then the database was never asked more than 90 questions at once
      And every customer is shown the price or page

    Scenario: Customers are served when Redis goes down while their prices are fetched
      Given 20 products that nobody has looked at
      When 40 customers look at all of these, and 10 at pages, and Redis goes down while the database is busy
      Then every customer is shown the price or page

    Scenario Outline: Shops and customers are served while <a cache> hangs, and see all changes when it is back
      Given 10 products and 10 pages that both storefronts have cached
      And <a cache> hangs
      When the shop changes prices and its discount and takes a product out, while 40 customers look at prices and pages
      Then within 5 s the shop is told that all of this is done, and every customer is served
      And <a cache> is back
      And within 3 s both storefronts show the new prices, and the new discount on the pages

      Examples:
        | a cache           |
        | Redis             |
        | the Redis Cluster |

    Scenario: A change is not lost when its storefront dies before the other was told, and the other restarts
      Given 10 products whose prices both storefronts have cached
      And both storefronts are cut off from Redis
      And the prices are changed at the first storefront
      And the first storefront is killed
      When the second storefront restarts
      Then once it reaches Redis again, for 1 s it shows the new prices and nothing else

    Scenario: After an outage no price from before it is shown, also not while Redis takes no changes yet
      Given 10 products whose prices both storefronts have cached
      And both storefronts are cut off from Redis
      And the prices are changed at the first storefront
      And Redis refuses every change
      When the storefronts reach Redis again
      Then for 2 s both storefronts show the new prices and nothing else

    # Whoever tries again a few times a second needs less than 2 s; whoever backs off ever longer needs 5 s and more.
    Scenario: A change that Redis refused is seen as soon as Redis takes it
      Given 10 products whose prices both storefronts have cached
      And Redis refuses every change
      And the prices are changed at the first storefront
      And for 3.5 s both storefronts show the prices of products that nobody has looked at
      When Redis takes changes again
      Then within 2 s both storefronts show the new prices

  Rule: A crowd costs the database one question

    Scenario Outline: Two hundred customers want the same while <Redis>
      Given a product that nobody has looked at
      And <Redis>
      When 200 customers look at it, and 50 at one page, at both storefronts, and the database takes <long>
      Then the database was asked for each of the two at most <questions> times
      And every customer is shown the price or page

      Examples:
        | Redis                      | long  | questions |
        | both storefronts use Redis | 3.5 s | 1         |
        | Redis is down              | 1 s   | 2         |

    Scenario: A question to the database that failed is asked again by the next customer
      Given a product that nobody has looked at
      When a customer looks at it, and the database cancels the question
      Then the next customer of each storefront is shown the price within 1 s
