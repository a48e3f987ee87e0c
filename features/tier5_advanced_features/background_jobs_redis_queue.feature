@L3 @tier5 @mrr.50000 @database @container.redis-durable @container.postgres @container.toxiproxy @container.upstream @container.platform
Feature: What was promised for later is done, once and in time
  Confirmations, invoices and exports are promised on the spot and done later, by workers that nobody watches. One that is
  lost is noticed by the customer first, and one that is done twice is paid for twice.

  Two servers take jobs and orders, and two workers do them, each three at a time. A worker that is silent for 1.5 s has
  lost its jobs, and a job that has lost two workers, or one in its last try, is put aside. A job is tried four times,
  0.4 s, 0.8 s and 1.6 s apart, each at most 1 s late, and may take 20 s where it does not say less. Every job calls a
  service, at which its starts are counted, and leaves its effect in the database.

  Background:
    Given two servers that take jobs, and two workers that do them

  Rule: Urgent jobs go first, and the others get their turn

    # The places are freed one at a time, so that it is certain what begins before what.
    Scenario: An urgent job does not wait behind a backlog
      Given every worker is busy
      And 24 jobs that can wait are handed in, half of them for 100 ms later
      When 10 urgent jobs are handed in, half of them for 200 ms later, and the workers are free again
      Then the last urgent job begins before more than 8 of the others have begun
      And every job is done exactly once

    Scenario: Jobs that can wait are not left out while others keep coming
      Given every worker is busy
      And 35 urgent jobs are handed in
      When 3 ordinary jobs and 3 that can wait are handed in, and the workers are free again
      Then the last of these begins before more than 26 of the urgent ones have begun

  Rule: A job that fails is tried again, later each time, and at last put aside

    Scenario: A job that fails is tried again, later each time, and one that is refused is put aside at once
      Given the service fails three times for each of 20 jobs, always for another, and refuses one
      And it does not answer another in its 700 ms from the third try on, and one ends its process in its fourth
      When these jobs are handed in, and one that takes 5.2 s
      Then the one that is refused is put aside within 2 s, with its error
      And each of the 20 is begun again after 0.4 s, 0.8 s and 1.6 s, up to a quarter longer, not all at the same moment
      And the one for which it always fails is put aside after 4 tries; two hand it back, one is told no, and it is done
      And those not answered and ended with their process are put aside after 4 tries, and the slow one is done once

  Rule: A worker that dies or freezes takes no job with it, and does none twice

    Scenario: The jobs of a killed worker are done by another
      Given every worker is busy with a job that has failed once, and 10 others wait
      And the first worker is killed
      And after 1.6 s the second worker is free for others
      And the second worker is cut off from Redis
      And the service answers, which Redis is not told
      When both workers are well again
      Then within 3.5 s every job is done exactly once, those of the first worker first, and is known to be

    Scenario: A frozen worker that comes back changes nothing that was done in its place
      Given the service fails at the second of five steps of each of 6 jobs, once, and lets the fourth wait
      And the first worker freezes
      And the service answers, and within 5 s every job is done
      When the first worker is back
      Then for 600 ms every job has exactly one effect, that of the worker that began it last
      And the 3 jobs of the first worker were begun once more than the others
      And the progress of each only grew, up to 100

    Scenario: A job that takes long is left to its worker, also to one that is asked to end
      Given every worker is busy
      And the service answers 2 jobs of the second worker
      And the first worker is asked to end
      When the service answers after 2.5 s
      Then within 2 s every job is done exactly once, and was begun once

    # Eight processes end: more than one of the workers has places. Each is begun anew before others are done there.
    Scenario: A job that ends its worker is put aside, and the other jobs are done
      When 4 jobs that end their process, and 20 others come
      Then within 8 s every other job is done exactly once
      And within 7 s they are put aside, begun exactly 2 times
      And 6 jobs are begun at once again

    Scenario: A job that hangs is ended in time, and its place is free again
      Given 6 jobs that may take 1.2 s each, which the service does not answer the first time
      And the first worker is cut off from Redis
      When 6 other jobs are handed in
      Then within 6 s every other job is done exactly once
      And all 6 were ended, none before 1.2 s, each worker's first at most 1 s late
      And every job is done exactly once

  Rule: What is to be done at a time is done then, once

    Scenario: A job of every second is done once each second, however many servers there are
      Given a job that is to be done every second
      And the first server freezes
      And the second server takes an order, which is confirmed within 2 s, and the job is begun
      And the first server is back
      And the second server freezes
      When an order is placed through the first server
      Then it is confirmed within 2 s, too, and the job is begun again, once each second until then

    # Each way of writing each field, on days that the clock does not change.
    Scenario: A job that goes by a calendar is due when its line says, and at no other moment
      When servers are asked when jobs are due by lines of a calendar that are written in every way
      Then each line is due when it says, and at no other moment

    Scenario Outline: A daily job is done once on each day, also when the clock changes in <zone> in <season>
      When a job is to be done at <time> on every day in <zone>
      Then it is due once on each of the 7 days around <day>, at <time> on all but that day

      Examples:
        | zone             | season | time  | day        |
        | Europe/Berlin    | spring | 02:30 | 2027-03-28 |
        | Europe/Berlin    | autumn | 02:30 | 2027-10-31 |
        | America/New_York | spring | 02:30 | 2027-03-14 |
        | America/New_York | autumn | 01:30 | 2027-11-07 |
        | America/New_York | autumn | 23:30 | 2027-11-07 |

  Rule: Two workers do twice as much as one, and nothing twice

    @performance
    Scenario: Each worker does three jobs at once, also when there was nothing to do before
      Given every worker was busy twice, and then had nothing to do for 1.7 s
      When 12 jobs are handed in, which the service lets wait
      Then each worker has begun 3, at most 1 s later than when it was busy before, and 200 ms later no more
      And once the service answers, every job is done exactly once, and was begun once

  Rule: Of several jobs with the same key one is taken, until it is done

    Scenario: Of 50 with the same key that come at once one is done, and the others are told
      Given the service lets every job wait
      When 50 jobs with the same key are handed in at once, through both servers
      Then one is taken, and 49 are told that there is one already
      And others are told so whatever they are, but for those whose key only looks like it
      And while that is tried again, others are told so, too
      And once that is done, another with the same key is taken and done

    Scenario: A job that was put aside is not handed back while another has its key
      Given a job with a key that the service refuses
      And another with the same key that the service lets wait
      When the first is handed back
      Then this is agreed to when the other is done, and not before
      And while it is done after all, its key is not free
      And every job is done exactly once

  Rule: An order has its job, and a job its order

    Scenario: Orders, jobs for later and a schedule outlast an outage of Redis, and the end of a server
      Given a job that is to be done every 1.5 s, and two that are to be done in 4 s, one of them by the clock of Tokyo
      And both servers are cut off from Redis
      And 10 orders are placed
      And the second server is killed
      When 2 s after the last order both servers reach Redis again
      Then within 2 s each order is confirmed exactly once, and within 1 s one run that was left out is made up for
      And both are begun after 4 s, at most 1 s late, and every job is done exactly once, and was begun once

    Scenario: An order whose job was queued unnoticed is not confirmed twice, and one that is refused never
      Given an order was placed and confirmed
      And 10 others with its reference are refused
      And the service lets every job wait
      And Redis's answers to both servers are lost
      And 4 orders are placed, one of whose jobs is begun all the same
      When both servers reach Redis again
      Then within 5 s each job is begun, in the next 300 ms none a second time, and once the service answers all are done

    Scenario: An order whose job was queued unnoticed, and is put aside, is not begun again
      Given an order was placed and confirmed
      And the service refuses each job from now on
      And Redis's answers to both servers are lost
      And 4 orders are placed, one of whose jobs is begun all the same
      When both servers reach Redis again
      Then within 5 s each job has been begun, and in the next 300 ms none is begun a second time

    # Who carries on from the last that it has seen loses what was begun earlier and committed later.
    Scenario: An order that is committed after later ones is confirmed, too
      Given the first server's requests reach the database 600 ms late
      And an order through the first server is not yet committed
      And the first server freezes
      When an order through the second server is confirmed before it
      And the first server reaches the database again
      And the first server is back
      Then that is taken, and within 5 s every job is done exactly once, and was begun once

  Rule: A job can be taken back, wait for another, and be followed

    Scenario: A job that is taken back is not begun, and one that waits for another not before that is done
      Given jobs that are done, that are put aside, that wait in each way, or that are under way
      And a job that was to be done every second is stopped before its first time
      When each is handed back, another comes with its key, a third is to come after it, and half are taken back
      Then everybody is told what the state of the job says
      And one that was under way is ended within 2 s, and what waits for one taken back is taken back, too
      And once the service answers, within 5 s the others are done, none before its turn and its time, and nothing else
      And the result of the one that is done was known for 3 s, and after 5 s no more

  Rule: What was taken survives Redis, and what makes no sense is not taken

    Scenario: Jobs that wait are there after Redis has been killed
      Given every worker is busy
      And 20 jobs that can wait are handed in
      And Redis is down
      And the service answers
      When Redis is back
      Then another job is taken
      And within 5 s every job is done exactly once, and none that was answered is begun again

    Scenario: What makes no sense is refused, and nothing comes of it
      When somebody hands in each of these
        | what                                   |
        | a job of more than 64 KiB              |
        | a job of a kind that there is not      |
        | a pickle that calls the service        |
        | a job for 30 February                  |
        | a job that is to be done 1 s ago       |
        | a job for a moment that is over        |
        | a job that may take -1 s               |
        | a job after one that there is not      |
        | a job without its label                |
        | a job of an urgency that there is not  |
        | a job that is to be done in 1e400 s    |
        | a job that is to be done every 0 s     |
        | a job that is to be done every 0.1 ms  |
        | a job that is to be done every 1e400 s |
      Then all are refused, and in the next 300 ms nothing of them is begun or kept
