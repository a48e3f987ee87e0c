@L3 @tier4 @mrr.50000 @database @container.postgres @container.toxiproxy @container.platform
Feature: The database goes forward and back, and customers do not notice
  Every release changes the database, and a change that goes wrong stops everything at once: customers are turned
  away, or what they entered is lost, and nobody can go back. So each release must be able to come, to fail and to be
  taken back while customers go on working.

  The service keeps invoices. Release 1 keeps amounts in euros, release 2 in cents as well and a note for each invoice,
  release 3 in cents alone. The old app is of release 1, the new app of release 2: while a release is rolled out, both
  serve customers. A migrator brings the database from one release to another, revision by revision.

  Rule: Customers go on working while the database changes beneath them

    Scenario: Both apps serve customers while the database goes to release 2
      Given a database of release 1 with 1,000 invoices
      And customers issue and correct invoices through both apps all the while
      When the database is migrated to release 2
      Then no customer was refused
      And every invoice is as it was last written, in euros and in cents

    # Invoices are carried over 100 at a time, in their order.
    Scenario: A migrator dies half-way through old invoices, and customers change those before and behind
      Given a database of release 1 with 1,000 invoices
      And customers issue and correct invoices through both apps all the while
      And a migration to release 2 stands before an invoice in the middle, which somebody is about to change
      And the first migrator is killed
      When another migrator brings the database to release 2
      Then no customer was refused
      And every invoice is as it was last written, in euros and in cents
      And at most 100 invoices were carried over more than once

  Rule: A release can be taken back, and what was entered since stays

    Scenario: Both apps serve customers while the database goes back to release 1
      Given a database of release 2 with 1,000 invoices
      And customers issue and correct invoices through both apps all the while
      When the database is migrated to release 1
      Then no customer was refused
      And every invoice is as it was last written, in euros

    Scenario: Notes that release 1 has no place for are there again when release 2 comes back
      Given a database of release 2 with 1,000 invoices
      And the new app was given an invoice with a note
      When the database is migrated to release 1 and back to release 2
      Then the new app shows the invoice with its note

  Rule: Several runners at once do the work once

    Scenario: Four migrators start at the same moment
      Given a database of release 1 with 1,000 invoices
      When 4 migrators to release 2 reach the database at once
      Then all of them succeed
      And everything was made once, and the database has had each revision of release 2 once

  Rule: What customers have entered survives the way forward and back

    Scenario: Twenty thousand invoices go to release 3 and back to release 1
      Given a database of release 1 with 20,000 invoices
      When the database is migrated to release 3 and back to release 1
      Then every table has the rows that it had before

  Rule: A way back leaves no trace, and all ways forward lead to the same

    Scenario: Two releases are taken back, one after the other
      Given a database of release 1 with 1,000 invoices
      And the database is migrated to release 3, one release after the other
      When it is migrated back to release 1, one release after the other
      Then after each release the schema was as it had been on the way there

    Scenario: A new database is made like one that went through every release
      Given a database of release 1 with 1,000 invoices
      And the database is migrated to release 2
      And the database is migrated to release 3
      When a new database is migrated to release 3
      Then its schema is the same

  Rule: A migration never stands in anybody's way for long

    # Those who come after a migration that waits have to wait behind it. It may do so for 0.5 s at a time.
    Scenario: A backup keeps a migration waiting, and nobody waits behind it
      Given a database of release 1 with 1,000 invoices
      And a backup has read every table, and is not done yet
      When a migration to release 2 waits for the backup, which takes 5 s more
      Then nobody who read invoices meanwhile waited for more than 3 s
      And the migration succeeds

  Rule: A migration that fails or dies changes nothing, and can be run again

    Scenario: An invoice does not keep to a rule that release 2 brings
      Given a database of release 1 with 1,000 invoices
      And it is migrated up to the revision that brings the rule, and holds an invoice that does not keep to it
      When a migration to release 2 is tried
      Then it fails, and schema and rows are as before
      And once the invoice is gone, it succeeds

    Scenario Outline: While it waits for a backup, the migrator <dies>
      Given a database of release 1 with 1,000 invoices
      And a backup has read every table, and is not done yet
      And a migration to release 2 waits for the backup
      When the first migrator <dies>
      Then within 3 s nothing of it is left in the database, and schema and rows are as before
      And once the backup is done, another migrator succeeds

      Examples:
        | dies                         |
        | is killed                    |
        | is cut off from the database |

    Scenario: A unique index that was half built when a backup came is whole in the end
      Given a database of release 2 with 1,000 invoices
      And it has gone back to before the revision that builds the index
      And a backup has read every table, and is not done yet
      When a migration to release 2 fails to build the index, until the backup is done
      Then the migration succeeds
      And the index is whole, and a second invoice with the reference of another is refused

  Rule: Each release works on the database of the release before it and after it

    Scenario Outline: The <app> app works on a database of release <release>
      Given a database of release <release> with 1,000 invoices
      When an invoice is issued, corrected and read through the <app> app
      Then it stands in the database as it was written, in each form that release <release> keeps

      Examples:
        | app | release |
        | old | 2       |
        | new | 1       |
        | new | 3       |

  Rule: A database that is not what a release takes it for is left alone, and somebody hears of it

    Scenario: The release was taken back, and the database was not
      Given a database of release 2 with 1,000 invoices
      When a migration by the image of release 1 is tried
      Then it fails, naming the newest revision, and schema and rows are as before
      And the old app is ready all the same

    Scenario: A revision was edited after it had been applied
      Given a database of release 1 with 1,000 invoices
      And its newest revision was another one when it was applied
      When a migration to release 2 is tried
      Then it fails, naming the newest revision, and schema and rows are as before
      And the new app is not ready

    Scenario: Migrations that cannot be change nothing, and say so
      Given a database of release 1 with 1,000 invoices
      When migrations are tried
        | what                               |
        | to a revision that does not exist  |
        | of a database that does not exist  |
        | back to a revision not yet applied |
      Then each of them fails, and schema and rows are as before

  Rule: Who serves customers cannot change the database

    Scenario: The apps' own role is refused whatever only a migration may do
      Given a database of release 2 with 1,000 invoices
      When the role that the apps are seen to use tries to make, change and drop tables, and to rewrite history
      Then each try is refused, and schema and rows are as before
