@L3 @tier4 @mrr.50000 @database @container.postgres @container.toxiproxy @container.platform
Feature: The database goes forward and back, and customers do not notice
  Every release changes the database, and a change that goes wrong stops everything at once: customers are turned
  away, or what they entered is lost, and nobody can go back. So each release must be able to come, to fail and to be
  taken back while customers go on working.

  The service keeps invoices. Release 1 keeps amounts in euros, release 2 in cents as well and a note for each invoice,
  release 3 in cents alone. The old app is of release 1, the new app of release 2: while a release is rolled out, both
  serve customers. A migrator brings the database from one release to another, revision by revision. The invoices of a
  scenario were made in release 1, and went with the database through every release up to the one that it is of.

  Rule: Customers go on working while the database changes beneath them

    Scenario: Both apps serve customers while the database goes to release 2
      Given a database of release 1 with 1,000 invoices
      And customers issue, read and correct invoices through both apps all the while
      When the database is migrated to release 2
      Then no customer was refused or shown a wrong amount
      And every invoice is as it was last written, in euros and in cents
      And an invoice that the new app is given now keeps its note

    # Invoices are carried over 100 at a time, in their order.
    Scenario: A migrator dies half-way through old invoices, and customers change those before and behind
      Given a database of release 1 with 1,000 invoices
      And customers issue, read and correct invoices through both apps all the while
      And a migration to release 2 is held up at an invoice in the middle
      And the first migrator is killed
      When another migrator brings the database to release 2
      Then no customer was refused or shown a wrong amount
      And every invoice is as it was last written, in euros and in cents
      And at most 100 invoices were carried over more than once

  Rule: A release can be taken back, and what was entered since stays

    # What customers enter meanwhile, by either app, stays as well.
    Scenario: Notes that release 1 has no place for are there again when release 2 comes back
      Given a database of release 2 with 1,000 invoices
      And the new app was given 5 invoices with notes of up to 1,000 characters
      And customers issue, read and correct invoices through both apps all the while
      When the database is migrated to release 1 and back to release 2
      Then no customer was refused or shown a wrong amount
      And every invoice is as it was last written, in euros and in cents
      And the new app shows the notes again, and nothing that was put aside is left

    # The old app cannot serve on release 3, so customers are the new app's alone.
    Scenario: The new app serves customers while the database goes back to release 2
      Given a database of release 3 with 1,000 invoices
      And a migration takes 1 ms for each invoice that it changes
      And customers issue, read and correct invoices through the new app all the while
      When the database is migrated to release 2
      Then no customer was refused or shown a wrong amount
      And every invoice is as it was last written, in euros and in cents

  Rule: Several runners at once do the work once

    Scenario: Four migrators start at the same moment, while a backup is under way
      Given a database of release 1 with 1,000 invoices
      And a backup has read every table, and is not done yet
      When 4 migrators to release 2 are started at once, and the backup takes 2.5 s more
      Then all of them succeed
      And everything was made once, and the database has had each revision of release 2 once
      And nobody who read invoices meanwhile waited for more than 1.5 s

  Rule: A way back leaves no trace and loses nothing, and all ways forward lead to the same

    Scenario: Two releases are taken back, and schema and data are what they were
      Given a database of release 3 with 1,000 invoices, whose schema was noted before each revision
      When the database is migrated to release 1
      Then after each revision that was taken back the schema was as it had been before that revision came
      And schema and rows are as they were in release 1
      And the old app is ready

    Scenario: A new database is made like one that went through every release
      Given a database of release 3 with 1,000 invoices
      When a new database is migrated to release 3
      Then its schema is the same

  Rule: A migration never stands in anybody's way for long

    # Those who come after a migration that waits have to wait behind it. It may do so for 0.3 s at a time.
    Scenario: A backup keeps a migration waiting, and nobody waits behind it
      Given a database of release 2 with 1,000 invoices
      And a backup has read every table, and is not done yet
      When a migration to release 3 waits for the backup, which takes 2.5 s more
      Then nobody who read invoices meanwhile waited for more than 1.5 s
      And the migration succeeds

  Rule: A migration that fails or dies changes nothing, and can be run again

    Scenario: An invoice does not keep to a rule that release 2 brings
      Given a database of release 1 with 1,000 invoices and one that does not keep to a rule of release 2
      And the schema is noted after each revision from now on
      When a migration to release 2 is tried
      Then it fails, and the schema is that of the revision before the one with the rule

    Scenario: While it waits for a backup, the migrator is cut off from the database
      Given a database of release 1 with 1,000 invoices
      And a backup has read every table, and is not done yet
      And a migration to release 2 waits for the backup
      When the first migrator is cut off from the database
      Then within 3 s nothing of it is left in the database, and schema and rows are as before
      And the migrator says that it failed

    # Building it waits for all who are at work since before, whatever they read.
    Scenario: A unique index that was half built when a report was under way is whole in the end
      Given a database of release 1 with 1,000 invoices
      And a report on something else is under way
      When a migration to release 2 fails to build the index, until the report is done
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

    Scenario: The old app cannot serve on a database of release 3, and says so
      Given a database of release 2 with 1,000 invoices
      And the old app is ready
      When a database of release 3 with 1,000 invoices takes its place
      Then the old app is not ready
      And the new app is ready

  Rule: A database that is not what a release takes it for is left alone, and somebody hears of it

    Scenario: The release was taken back, and the database was not
      Given a database of release 2 with 1,000 invoices
      When a migration by the image of release 1 is tried
      Then it fails, naming the newest revision of release 2, and schema and rows are as before
      And the old app is ready

    Scenario: A revision was edited after it had been applied
      Given a database of release 2, whose revision of release 1 was another one when it was applied
      When a migration to release 3 is tried
      Then it fails, naming the newest revision of release 1, and schema and rows are as before
      And neither app is ready

    Scenario: Migrations that cannot be change nothing, and say so
      Given a database of release 1 with 1,000 invoices
      When migrations are tried
        | what                               |
        | to a revision that does not exist  |
        | back to a revision not yet applied |
      Then each of them fails, and schema and rows are as before

  Rule: Who serves customers cannot change the database

    Scenario: The apps' own role is refused whatever only a migration may do
      Given a database of release 2 with 1,000 invoices
      When the role that the apps are seen to use tries to make, change and drop tables, and to rewrite history
      Then each try is refused, and schema and rows are as before
      And all tables belong to the role of migrations, which is no administrator
