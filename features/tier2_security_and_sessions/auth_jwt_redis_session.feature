@L3 @tier2 @mrr.75000 @container.redis-durable @container.toxiproxy @container.identity-provider @container.platform
Feature: Whoever has been shown the door stays out, and nobody else is
  Customers stay signed in for days, on many devices. A session that outlives its end gives a thief the account; one
  that ends for no reason costs a sign-in, and after an outage it costs everybody's at once.

  Two nodes, and a kiosk in a public place, share the sessions in Redis. An access token is good for 3 min, at the kiosk
  for 2 s; a refresh token is good once, and gets the next two. Whoever did not hear the answer may ask again for 3 s, at
  the kiosk for 1 s. The identity provider signs access tokens, and publishes the keys by which nodes verify them.

  Background:
    Given two nodes and a kiosk

  Rule: A token that is not ours, or not meant for this, opens nothing, tells nothing and touches nothing

    Scenario: Nobody gets in with nothing, or with something else
      Given ada is signed in on a phone
      When somebody who knows the tokens of ada's phone shows both nodes each of these, for all that asks for a token
        | what                    |
        | no token                |
        | a text that is no token |
        | a good token twice      |
        | a refresh token         |
      Then both nodes refuse each as they refuse anything else
      And no session was touched

    Scenario: Nobody gets in with a signature that is not the identity provider's
      Given ada is signed in on a phone
      When somebody who knows the tokens of ada's phone shows both nodes each of these, for all that asks for a token
        | what                                   |
        | a token without a signature            |
        | an unsigned token, algorithm none      |
        | an unsigned token, NONE in capitals    |
        | claims that were changed after signing |
        | the public key used as a password      |
        | a signature of zeros                   |
        | a stranger's signature                 |
        | an encrypted body                      |
      Then both nodes refuse each as they refuse anything else
      And no session was touched

    Scenario: Nobody gets in with a key that the token itself names
      Given ada is signed in on a phone
      When somebody who knows the tokens of ada's phone shows both nodes each of these, for all that asks for a token
        | what                           |
        | a key that it brings along     |
        | the address of its key         |
        | the address of its certificate |
        | a key id that is a path        |
        | a key id that is a query       |
        | a key id that is an address    |
      Then both nodes refuse each as they refuse anything else
      And no session was touched

    Scenario: Nobody gets in with a token that is signed by the right key, and not meant for this
      Given ada is signed in on a phone
      When somebody who knows the tokens of ada's phone shows both nodes each of these, for all that asks for a token
        | what                                |
        | an extension that nobody knows      |
        | a body that is said to be unencoded |
        | another audience                    |
        | no audience                         |
        | another issuer                      |
        | a list of issuers, ours among them  |
        | another purpose                     |
        | no purpose                          |
        | no expiry                           |
        | an expiry in words                  |
        | an expiry that is over              |
        | a beginning in the future           |
        | no subject                          |
        | a hundred thousand letters          |
      Then both nodes refuse each as they refuse anything else
      And no session was touched

    Scenario: Nobody gets new tokens with anything but the refresh token, letter for letter
      Given ada is signed in on a phone
      And ada's phone has refreshed its tokens 2 times
      When somebody who knows the tokens of ada's phone asks both nodes for new ones with each of these
        | what                                         |
        | an access token                              |
        | a text that is no token                      |
        | a refresh token in which a letter is another |
        | a refresh token without its end              |
        | a refresh token without its beginning        |
        | a refresh token and more                     |
        | a hundred thousand letters                   |
      Then nobody gets any
      And no session was touched

    Scenario: Who signs in on a device that somebody else left signed in gets a session of their own
      Given bob is signed in on a tablet
      When ada signs in on bob's tablet
      Then what bob's tablet had opens the account of its owner alone, or nothing
      And ada's tablet is still signed in

  Rule: A refresh token that was copied ends the session, and a refresh that is sent twice does not

    Scenario Outline: When <which> is used <when>, neither the thief nor the customer stays signed in
      Given ada is signed in on a phone
      And ada is signed in on a laptop
      And ada's phone has refreshed its tokens 3 times
      When somebody uses <which> of ada's phone <when>
      Then no token that ada's phone ever had is taken
      And ada's laptop is still signed in, and reads that a refresh token was used twice

      Examples:
        | which                          | when                                    |
        | the next to last refresh token | again and again at the kiosk, for 1.5 s |
        | the second refresh token       | at once                                 |
        | the first refresh token        | at once                                 |

    # Each node asks Redis before any of the answers has come.
    Scenario: Twenty refreshes at the same moment have one successor, and nobody is signed out
      Given ada is signed in on a phone
      And both nodes' requests reach Redis 150 ms late
      When ada's phone refreshes its tokens with 20 requests at once, through both nodes
      Then one of the refresh tokens that it got is good, and the phone is still signed in

    Scenario: A refresh whose answer was lost can be asked for again
      Given ada is signed in on a phone
      When ada's phone does not hear the answer to a refresh, goes on for a while, and asks the other node
      Then one of the refresh tokens that it got is good, and the phone is still signed in
      And whatever Redis keeps of sessions ends within 6 min

  Rule: Who signs out, or is signed out, is out everywhere at once, and nobody else is

    Scenario: A sign-out ends that session with its live connections, and no other, however its token is written
      Given ada and bob are signed in on a phone
      And ada is signed in on a laptop
      And ada's phone and bob's phone have a live connection to each node
      When ada's phone signs out
      Then within 1 s ada's phone has no live connection, and no node takes a token of it, however it is written
      And ada's laptop and bob's phone are still signed in
      And the live connections of bob's phone stay open for 500 ms

    Scenario Outline: All sessions of a customer end with <event>, but for one that begins after it
      Given ada is signed in on a phone
      And ada is signed in on 12 more devices
      When ada's sessions are ended by <event>
      Then within 1 s no node takes a token of ada's phone or ada's tablet
      And ada, who signed in again in the same second, stays signed in

      Examples:
        | event                 |
        | a new password        |
        | a decision of support |

    # What they differ in, and who comes when, is drawn anew each time.
    Scenario: What ends the sessions of one customer touches nobody whose name looks alike
      Given customers whose names look alike are signed in
      When some of them sign out or change the password, and support ends the sessions of one after the other
      Then each of them is who it was, and signed in until it is its own turn

    Scenario: Customers cannot end each other's sessions
      Given ada and bob are signed in on a phone
      When bob tries to end ada's sessions as support does, with anything but support's key
      Then both nodes refuse that, and ada's phone is still signed in

    Scenario: No request that was under way brings a session back
      Given ada, bob and carol are signed in on a phone
      And the first node's requests reach Redis 400 ms late
      When the second node ends each of these sessions while the first one, 400 ms late, works on a request of its customer
        | whose | request | ended by              |
        | ada   | call    | a sign-out            |
        | bob   | refresh | a decision of support |
        | carol | sign-in | a new password        |
      Then within 1 s no node takes a token that any of them has or got
      And for 500 ms nothing of their sessions is in Redis

  Rule: A token and a session are good for their time, and no longer

    # A live connection is no use of a session, and is over with it.
    Scenario: The kiosk ends a token after 2 s, a session after 2.5 s without use, and after 5.5 s in any case
      Given ada is signed in on a phone
      And at the kiosk carol will call 1.4 s, 2.05 s and 4 s after signing in, and dora after 3.2 s of live connections
      When they sign in there with ada, who refreshes all the while, bob, who signs in on a phone, too, and calls all the while, and erin, whose access token is shown for 4 s
      Then erin's was taken everywhere for 2 s, and nowhere after 1.5 s more
      And ada and bob were signed out 5.5 s after signing in, or at most 1 s later
      And carol is still signed in, and dora is not
      And a decision of support then ends the sessions of ada's phone and bob's phone, too

  Rule: Sessions outlive the processes that serve them

    Scenario: When Redis and a node restart, who is signed in stays so, and who signed out stays out
      Given ada is signed in on a phone
      And bob has signed in on a phone, and out again
      And the second node is killed
      When Redis restarts
      And the second node is back, and does not reach the identity provider
      Then ada's phone is told within 3 s to ask again later, and its tokens are good when that is over
      And within 1 s no node takes a token of bob's phone

  Rule: While nodes cannot know who it is, they let nobody in and send nobody away

    # What changes something is tried by bob's phone, and by support for carol's: when Redis hangs, it may yet be done.
    Scenario Outline: Everybody is told to wait while <outage>, and is still signed in when that is over
      Given ada, bob and carol are signed in on a phone, at nodes that have served all there is to ask for
      And ada's phone has a live connection to each node
      And <outage>
      When ada's phone is used for everything, bob's phone is to be signed out, and carol's phone by support, at both nodes, again and again for 2 s
      Then each of them was told within 3 s to ask again later
      And when that is over, the same tokens of ada's phone are good, and both nodes serve all again
      And ada's phone has kept its live connections, and loses them within 1 s of signing out

      Examples:
        | outage        |
        | Redis is down |
        | Redis hangs   |

    Scenario Outline: Who is signed in does not notice that <outage>, and a refresh costs nothing
      Given ada is signed in on a phone
      And <outage>
      When ada's phone refreshes its tokens and signs in again, through both nodes, and 5 tokens of unknown keys are shown to each
      Then each of them was told within 3 s to ask again later
      And ada's phone is still signed in
      And when that is over, the same tokens of ada's phone are good

      Examples:
        | outage                                               |
        | the identity provider hangs                          |
        | the identity provider fails in one way after another |

  Rule: Keys change, and nobody has to sign in again

    Scenario: What a new key has signed is taken at once, and what the old one has signed, too
      Given ada and bob are signed in on a phone
      When the identity provider signs by a new key, just after the nodes have looked for one that there is none of
      Then bob, who signs in now, is let in everywhere at once
      And ada's phone is still signed in

    Scenario: What a withdrawn key has signed is refused, and the session lives on
      Given ada is signed in on a phone
      And every node has failed to fetch the keys once
      When the identity provider withdraws the key, long after bob and the nodes have got to know the next one
      Then within 5 s no node takes the access token of ada's phone
      And ada's refresh token gets tokens that are taken everywhere
      And bob's phone is still signed in

    Scenario: Tokens with unknown keys do not make the nodes ask for keys over and over
      Given ada is signed in on a phone
      When 20 tokens with keys that nobody has are shown to both nodes again and again for 1 s, and as long once more while the keys cannot be fetched
      Then each was refused, and told to wait while the keys could not be fetched
      And no node has asked for the keys more than 2 times in a second

  Rule: Passwords are worth nothing to a thief, and cost nobody else anything

    Scenario: A failed sign-in is as much work for a name that nobody has
      Given ada is signed in on a phone
      When 20 sign-ins as ada fail, and as many for names that nobody has
      Then their answers are the same, and one took 0.7 to 1.4 times the work of the other

    Scenario: A rush of sign-ins stops nobody else
      Given ada is signed in on a phone
      When bob signs in 5 times and 25 strangers try to, all at once, while ada's phone makes one call after the other
      Then all 5 succeed, the strangers are refused, and at least 5 calls were answered meanwhile

    Scenario: A sign-in with what is not quite the name and the password is refused, and changes nothing
      Given ada and bob are signed in on a phone
      When ada tries to sign in with each of these, at both nodes
        | what                                   |
        | no password                            |
        | a password that is a number            |
        | a list of passwords                    |
        | half of a letter                       |
        | a blank after the password             |
        | a blank before the password            |
        | the first half of the password         |
        | the password without its last letter   |
        | the password without its first letter  |
        | the password and a letter more         |
        | the password with another letter in it |
        | the password with another last letter  |
        | the password in other capitals         |
        | somebody else's password               |
        | no name                                |
        | a name that is an object               |
        | the name in capitals                   |
      Then each is refused, also as the old password of a new one, and nothing has changed
      And ada's phone is still signed in

    Scenario: No secret is in a log or in Redis, whatever has gone wrong
      When ada signs in, rightly and wrongly, and uses every kind of token while this and that fails
      Then no password, token or key is in the log of any container
      And Redis holds no token, and of passwords only hashes by Argon2id
