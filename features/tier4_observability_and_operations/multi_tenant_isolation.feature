@L3 @tier4 @mrr.200000 @database @container.postgres @container.redis @container.toxiproxy @container.platform
Feature: No company ever sees another's data
  Companies trust us with their customers, invoices and bank details, and all of them share our servers and our
  database. One row that is shown to the wrong company is a breach that the law wants reported within 72 hours, and a
  contract that ends. Everybody forgets a condition in a query some day, so the promise must hold when somebody does.

  Every record here carries a mark of its company, and wherever something is shown or kept, it is searched for the marks
  of others. Acme and Globex use the same ids, e-mail addresses and regions, as companies do.

  Background:
    Given Acme and Globex keep customers and invoices under the same ids, on a small and a large server

  Rule: A company reaches its own records, and nobody else's

    # Tables are found in the database's own catalogue, so one that is added next year is tried, too.
    Scenario: Whatever the platform's database account tries in Acme's name, Globex's rows stay out of reach
      Given Initech, a company with a schema of its own, that uses the same ids
      And Acme and Globex also have imports that are done and that failed, and looks in their access logs
      When the account tries everything on every table in Acme's name and in Initech's: read, insert, update, delete, copy
      Then no row of Globex was shown, changed, deleted or added
      But Acme's own rows were shown
      And a superuser who looked the same way was shown the rows of both

    # The requests are those that the platform itself lists.
    Scenario: No request of Acme's reaches what is Globex's
      When Acme sends every request that there is, with Globex's ids, to both servers
      Then no answer holds anything of Globex's
      And nothing of Globex's has changed
      But Globex is shown its own records by the same requests

  Rule: The platform's database account cannot lift the protection

    Scenario: The accounts that serve companies are as powerless as they can be
      Given Initech, a company with a schema of its own, that uses the same ids
      When the database is asked what the accounts that serve companies may do
      Then none is a superuser or exempt from row-level security, or can become an account that is
      And none owns or makes anything, can become an owner, hand on a right, or empty a table in one step
      And every table that guards its rows guards them from its owner, too
      And no function runs with the rights of another account for them, unless its search path is fixed
      And no condition that guards rows is computed once and then remembered

  Rule: In nobody's name, nothing is shown

    Scenario: A database connection that speaks for no company sees nothing and changes nothing
      Given Acme and Globex also have imports that are done and that failed, and looks in their access logs
      And the small server is cut off from Redis
      And Acme and Globex have each started an import there, which waits
      When the account tries everything on every table in no name, in an empty one, and in one that nobody has
      Then no row of Acme or Globex was shown, changed, deleted or added

    Scenario: Whoever cannot prove which company they are from is refused
      When Acme's records are asked for, and changed, with each of these credentials
        | credential                                |
        | none                                      |
        | expired                                   |
        | expired, and accepted before              |
        | without an end                            |
        | not signed                                |
        | signed with another key                   |
        | without a company                         |
        | with an empty company                     |
        | with a company that nobody is             |
        | with a list of both companies             |
        | with a company that carries SQL           |
        | of our staff, and expired                 |
        | of our staff, and not signed              |
        | of our staff, and signed with another key |
      Then all of that is refused as unauthenticated
      And nothing of Acme's or Globex's has changed

    Scenario: Only the credential says which company it is
      When Acme's requests name Globex in their headers, host, query and body
      Then each is answered with Acme's records, or refused
      And nothing of Globex's has changed

  Rule: A company is told what it has stored itself, whatever others do

    Scenario: Whatever companies do in whatever order, each is told its own records and nobody else's
      Given Initech, a company with a schema of its own, that uses the same ids
      When Acme, Globex and Initech make changes of every kind in an order that is drawn, on ids and regions that look alike
      Then after each change both servers told each company just what it had stored, and right reports on that
      And within 1 s every confirmed change is in the database, under the company that made it
      And neither Redis nor a log holds bank details

    Scenario: A report that a server was making while something was stored is made anew
      Given the database's answers to the small server are 60 ms late
      When Acme stores 8 customers at the large server, each while the small one makes a report on their region
      Then within 5 s of each change of Acme's its reports told what the database holds

  # The small server has a single database connection, so whoever comes next is sure to get that of whoever was before.
  Rule: Companies that share a connection to the database share nothing else

    Scenario: A request that fails half-way leaves nothing behind for the next company
      When Acme and Globex in turn each send 40 changes to the small server, every second of which fails half-way
      Then every answer held all records of the company that asked, and of no other
      And within 1 s every confirmed change is in the database, under the company that made it

    Scenario: Companies that ask at the same moment are each answered with their own records
      When 6 users of Acme and 6 of Globex ask both servers all their questions at once, 2 times each
      Then every answer held all records of the company that asked, and of no other

  Rule: The database's memory of a question is not shared between companies

    # PostgreSQL plans a question anew each of the first times, and may then keep one plan for all who ask it.
    Scenario: Acme and Globex ask the same questions over one connection until the database has learnt them
      When Acme and Globex in turn each ask the small server all their questions 12 times
      Then every answer held all records of the company that asked, and of no other

  Rule: A request that was abandoned leaves nothing behind for the next company

    Scenario Outline: Acme abandons requests at every moment of the talk with <store>
      Given <store>'s answers to the small server are 40 ms late
      When Acme abandons 16 requests that need <store>, at moments spread over their time, and others follow each
      Then every answer held all records of the company that asked, and of no other
      And within 5 s of each change of Acme's its reports told what the database holds
      And within 10 s every import has ended as it should
      And within 1 s every confirmed change is in the database, under the company that made it
      And within 1 s the platform has no transaction open

      Examples:
        | store        |
        | the database |
        | Redis        |

  Rule: What people type is text, never a command

    Scenario: Filters and sort orders that carry SQL find what is called so, or are refused
      Given Acme has a customer with each of these names, in a region of the same name
        | name                                |
        | 100%                                |
        | 100x                                |
        | a_b                                 |
        | axb                                 |
        | O'Neil                              |
        | back\slash                          |
        | ' OR '1'='1                         |
        | x'); DELETE FROM customers; --      |
        | $$ UNION SELECT * FROM customers $$ |
      When Acme filters and sorts by each name, asks for a report on each region, and reads and deletes records of such ids
      Then each filter and each report found the one customer of that name
      And there were no records of such ids
      And each of these sort orders was refused
      And nothing of Acme's or Globex's has changed

  Rule: A company that has its own schema is alone in it

    Scenario: The database lets nobody else into the schema
      Given Hooli and Initech, each a company with a schema of its own, that use the same ids
      When the account tries everything on Initech's tables in Acme's name, in Hooli's and in nobody's
      Then the database has refused all of that for want of permission
      But in Initech's name Initech's rows were shown

    Scenario: Companies with and without a schema of their own take turns on one connection
      Given Initech, a company with a schema of its own, that uses the same ids
      When Initech and Acme in turn each send 30 changes to the small server, every second of which fails half-way
      Then every answer held all records of the company that asked, and of no other
      And within 1 s every confirmed change is in the database, under the company that made it
      And Initech's customers and invoices are in its own schema, and nobody else's are

  Rule: Nobody can find out what another company has

    Scenario: What Globex has is as unknown to Acme as what nobody has
      When Acme reads, changes, deletes and refers to what only Globex has, and to what nobody has
      Then Acme got the same answers, byte for byte but for the ids
      And nothing of Globex's has changed

    Scenario: Ids and e-mail addresses that Globex uses are free for Acme, and deleting them takes nothing of Globex's
      When Acme stores, imports and deletes under ids and addresses of Globex, and under fresh ones
      Then all of that was done, and Acme got the same answers, byte for byte but for the ids
      And nothing of Globex's has changed

  Rule: Bank details open for their company alone, also for whoever has the disk

    Scenario: Neither the disk, nor Redis, nor the logs hold bank details that can be read
      When Acme stores 10 customers with the same bank details, half of them by an import
      Then the database's disk, Redis and the servers' logs do not hold these bank details
      But the same search of the disk finds the customers' names
      And no two of these bank details look alike in the database
      And Acme can read all of them on both servers

    Scenario: What could not be stored is in no log either
      Given the database refuses every change
      When Acme stores, changes and imports customers at both servers
      Then all of that is refused as not possible now
      And for 500 ms no log holds these bank details

    Scenario: Bank details that were moved to another place do not open
      When an intruder in the database swaps bank details between customers, between companies and between columns
      Then both servers refuse to open each of these
      And all others can be read on both servers

    Scenario: After its key was changed twice, a company can still read everything
      When Acme's key is changed twice, and before and after each change Acme stores a customer on each server
      Then Acme can read all of them on both servers

    Scenario: Once a company's key is destroyed, its bank details are lost on every server
      Given Initech, a company with a schema of its own, that uses the same ids
      And Acme's key was changed once
      And both servers have just shown all companies their bank details
      When the keys of Acme and Initech are destroyed, and then changed, as those of everybody are each night
      Then within 2 s both servers say that the bank details of both are lost, and take no new ones
      And Globex can read all of its own on both servers

  Rule: What is kept outside of the database is kept apart, too

    Scenario: Companies whose names look alike do not share what is cached
      Given companies named like t1, t10, t[1], t*, t:1 and t, each with customers in north and 1:north
      And each of them has reports on these in Redis
      When t1, t* and t each move a customer from 1:north to north
      Then what Redis holds of the others is what it was
      And all reports of all of these companies are right, on both servers

    Scenario: An import runs in the name of the company that started it
      Given Initech, a company with a schema of its own, that uses the same ids
      When Acme, Globex and Initech in turn each start 6 imports, on both servers, every third of which cannot succeed
      Then within 10 s every import has ended as it should
      And within 1 s every confirmed change is in the database, under the company that made it

    Scenario: A server without Redis serves companies all the same, and the imports that it refused can be started again
      Given the small server is cut off from Redis
      And Acme and Globex start imports of the same id at the small server, and ask all their questions there
      When the small server reaches Redis again
      Then the same imports can be started again
      And within 10 s every import has ended as it should
      And every answer held all records of the company that asked, and of no other
      And within 1 s every confirmed change is in the database, under the company that made it

    Scenario: An import whose connection to the database breaks half-way is done all the same
      When the connection breaks on which an import of Acme's waits for a locked row, and the row is free again
      Then within 10 s every import has ended as it should
      And within 1 s every confirmed change is in the database, under the company that made it

  Rule: One company's rush does not make another wait

    # The large server has 4 database connections. Who is held up waits for as long as the row is locked.
    @performance
    Scenario: Acme's 50 stuck requests do not hold up Globex
      Given how long 20 requests of Globex take at the large server when nobody else asks
      When Globex sends 20 more while 50 requests of Acme wait there for a locked row, and 10 others have given up
      Then all 20 are answered, and the slowest took at most 3 times as long as the slowest before, or 3 s
      And once the row is free all 50 requests of Acme's are answered, and it is served as before

  Rule: When our own staff look at a company's data, the company can see that

    Scenario: Each look of our staff is in the company's access log, and in no other
      Given Initech, a company with a schema of its own, that uses the same ids
      When two of our staff look at Globex's customers 102 times, now and then at Initech's, and ask for all else
      Then they were shown customers without bank details, and nothing else
      And both servers tell each company of the looks at its own customers, with who looked and when, and of no others

    Scenario: A look that cannot be written down does not happen
      Given the database refuses every change
      When a member of our staff looks at Globex's customers
      Then they were shown nothing
