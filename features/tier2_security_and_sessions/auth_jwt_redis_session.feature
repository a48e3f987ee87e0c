@L3 @tier2 @mrr.75000 @container.redis-durable @container.toxiproxy @container.identity-provider @container.platform
Feature: Whoever has been shown the door stays out, and nobody else is
  Customers stay signed in for days, on many devices. A session that outlives its end gives a thief the account; one
  that ends for no reason costs a sign-in, and after an outage it costs everybody's at once.

  Two nodes, and a kiosk in a public place, share the sessions in Redis. An access token is good for 3 min, at the kiosk
  for 2 s; a refresh token is good once, and gets the next two. The identity provider signs access tokens, and
  publishes the keys by which nodes verify them.

  Background:
    Given two nodes and a kiosk

  Rule: A token that is not ours, or not meant for this, opens nothing, tells nothing and touches nothing

    Scenario Outline: Nobody gets in with <what>
      Given ada is signed in on a phone
      When somebody who knows the tokens of ada's phone shows both nodes <what>
      Then both nodes refuse it as they refuse anything else
      And no session was touched

      Examples: Nothing, or something else
        | what                    |
        | no token                |
        | a text that is no token |
        | a good token twice      |
        | a refresh token         |

      Examples: Signatures
        | what                                   |
        | a token without a signature            |
        | an unsigned token, algorithm none      |
        | an unsigned token, NONE in capitals     |
        | claims that were changed after signing |
        | the public key used as a password      |
        | a signature of zeros                   |
        | a stranger's signature                 |
        | an encrypted body                      |

      Examples: Keys that the token itself names
        | what                           |
        | a key that it brings along     |
        | the address of its key         |
        | the address of its certificate |
        | a key id that is a path        |
        | a key id that is a query       |
        | a key id that is an address    |

      Examples: Signed by the right key, and not meant for this
        | what                                 |
        | an extension that nobody knows       |
        | a body that is said to be unencoded  |
        | another audience                     |
        | no audience                          |
        | another issuer                       |
        | a list of issuers, ours among them   |
        | another purpose                      |
        | no purpose                           |
        | no expiry                            |
        | an expiry in words                   |
        | an expiry that is over               |
        | a beginning in the future            |
        | no subject                           |
        | a hundred thousand letters           |

    Scenario Outline: Nobody gets new tokens with <what>
      Given ada is signed in on a phone
      And ada's phone has refreshed its tokens 2 times
      When somebody who knows the tokens of ada's phone asks both nodes for tokens with <what>
      Then nobody gets any
      And no session was touched

      Examples:
        | what                                         |
        | an access token                              |
        | a text that is no token                      |
        | a refresh token in which a letter is another |
        | a hundred thousand letters                   |

    Scenario: Who signs in on a device that somebody else left signed in gets a session of their own
      Given bob is signed in on a tablet
      When ada signs in on bob's tablet
      Then what bob's tablet had opens the account of its owner alone, or nothing
      And ada's tablet is still signed in

  Rule: An access token is good for its time, and the refresh token gets the next

    Scenario: The kiosk's access token is good everywhere for 2 s
      Given ada signed in at the kiosk
      When ada's access token is shown everywhere for 4 s
      Then it was taken everywhere for 2 s, and nowhere after 1.5 s more
      And ada's refresh token gets tokens that are taken everywhere

  Rule: A refresh token that was copied ends the session, and a refresh that is sent twice does not

    Scenario Outline: When <which> is used <when>, neither the thief nor the customer stays signed in
      Given ada is signed in on a phone
      And ada is signed in on a laptop
      And ada's phone has refreshed its tokens 3 times
      When somebody uses <which> of ada's phone <when>
      Then no token that ada's phone ever had is taken
      And ada's laptop is still signed in, and reads that a refresh token was used twice

      Examples:
        | which                          | when                      |
        | the next to last refresh token | again and again for 3.5 s |
        | the first refresh token        | at once                   |

    # Each node asks Redis before any of the answers has come.
    Scenario: Twenty refreshes at the same moment have one successor, and nobody is signed out
      Given ada is signed in on a phone
      And both nodes' requests reach Redis 150 ms late
      When ada's phone refreshes its tokens with 20 requests at once, through both nodes
      Then one of the refresh tokens that it got is good, and the phone is still signed in

    Scenario: A refresh whose answer was lost can be asked for again
      Given ada is signed in on a phone
      When ada's phone does not hear the answer to a refresh, and asks the other node
      Then one of the refresh tokens that it got is good, and the phone is still signed in

  Rule: Who signs out, or is signed out, is out everywhere at once, and nobody else is

    Scenario: A sign-out ends that session alone, however its token is written
      Given ada is signed in on a phone
      And ada is signed in on a laptop
      And bob is signed in on a phone
      When ada's phone signs out
      Then within 1 s no node takes a token of ada's phone, however it is written
      And ada's laptop and bob's phone are still signed in

    Scenario Outline: All sessions of a customer end with <event>, but for one that begins after it
      Given ada is signed in on a phone
      And ada is signed in on 12 more devices
      And ADA, who is somebody else, is signed in on a phone
      When ada's sessions are ended by <event>
      Then within 1 s no node takes a token of ada's phone or ada's tablet
      And ada, who signed in again in the same second, stays signed in
      And ADA's phone is still signed in

      Examples:
        | event                 |
        | a new password        |
        | a decision of support |

    Scenario: Customers cannot end each other's sessions
      Given ada and bob are signed in on a phone
      When bob tries to end ada's sessions as support does
      Then both nodes refuse that, and ada's phone is still signed in

    Scenario: Live connections end with their session, on whichever node they are
      Given ada and bob are signed in on a phone
      And ada's phone and bob's phone have a live connection to each node
      When ada's phone signs out
      Then within 1 s both live connections of ada's phone have ended
      And those of bob's phone stay open for 1 s

    Scenario Outline: A <request> that was under way does not bring the session back
      Given ada is signed in on a phone
      And the first node's requests reach Redis 400 ms late
      When ada's phone signs out at the second node while the first one works on a <request> of it
      Then within 1 s no node takes a token of ada's phone
      And for 500 ms nothing of the session is in Redis

      Examples:
        | request |
        | call    |
        | refresh |

  Rule: A session ends without use, and in any case when its time is over

    Scenario: The kiosk ends a session after 3 s without use, and after 6 s in any case
      Given ada is signed in on a phone
      And ada, bob, carol and dora signed in at the kiosk
      When ada refreshes and bob calls all the while, carol comes back after 2 s and 4 s, and dora after 4 s
      Then carol is still signed in, and dora is not
      And ada and bob were signed out 6 s after signing in, or at most 1 s later
      And whatever Redis keeps of sessions ends within 6 min
      And a decision of support then ends the session of ada's phone, too

  Rule: Sessions outlive the processes that serve them

    Scenario: When everything restarts, who is signed in stays so, and who signed out stays out
      Given ada is signed in on a phone
      And bob has signed in on a phone, and out again
      And both nodes are killed
      When Redis restarts
      And both nodes are back
      Then ada's phone is still signed in, and can refresh its tokens
      And within 1 s no node takes a token of bob's phone

  Rule: While nodes cannot know who it is, they let nobody in and send nobody away

    Scenario Outline: Everybody is told to wait while <outage>, and is still signed in when that is over
      Given ada and bob are signed in on a phone
      And ada's phone has a live connection to each node
      And <outage>
      When ada's phone calls, refreshes and signs in again, and bob's changes the password and signs out, at both nodes
      Then each of them was told within 2 s to ask again later
      And when that is over, the same tokens of ada's phone are good
      And ada's phone has kept its live connections, and loses them within 1 s of signing out

      Examples:
        | outage                              |
        | Redis is down                       |
        | Redis hangs                         |
        | both nodes are cut off from Redis   |

    Scenario Outline: Who is signed in does not notice that <outage>, and a refresh costs nothing
      Given ada is signed in on a phone
      And <outage>
      When ada's phone refreshes its tokens and signs in again, through both nodes
      Then each of them was told within 2 s to ask again later
      And ada's phone is still signed in
      And when that is over, the same tokens of ada's phone are good

      Examples:
        | outage                                     |
        | the identity provider is down              |
        | the identity provider hangs                |
        | the identity provider answers with errors  |

    Scenario: Whoever has a token whose key cannot be fetched is told to wait
      Given ada is signed in on a phone
      And the identity provider's keys cannot be fetched
      When bob signs in on a phone with a token of a new key, and calls both nodes
      Then each of them was told within 2 s to ask again later
      And ada's phone is still signed in
      And when that is over, the same tokens of bob's phone are good

  Rule: Keys change, and nobody has to sign in again

    Scenario: What a new key has signed is taken at once, and what the old one has signed, too
      Given ada is signed in on a phone
      When the identity provider signs by a new key
      Then bob, who signs in now, is let in everywhere at once
      And ada's phone is still signed in

    Scenario: What a withdrawn key has signed is refused, and the session lives on
      Given ada is signed in on a phone
      And every node has failed to fetch the keys once
      When the identity provider withdraws the key, and signs by a new one
      Then within 5 s no node takes the access token of ada's phone
      And ada's refresh token gets tokens that are taken everywhere

    Scenario: Tokens with unknown keys do not make the nodes ask for keys over and over
      Given ada is signed in on a phone
      When 40 tokens with keys that nobody has are shown to both nodes again and again for 2 s
      Then no node has asked for the keys more than 2 times in a second

  Rule: Passwords are worth nothing to a thief, and cost nobody else anything

    Scenario: A failed sign-in is as much work for a name that nobody has
      Given ada is signed in on a phone
      When 20 sign-ins as ada fail, and as many for names that nobody has
      Then their answers are the same, and one took 0.7 to 1.4 times the work of the other

    Scenario: A rush of sign-ins stops nobody else
      Given ada is signed in on a phone
      When bob signs in 30 times at once, while ada's phone makes one call after the other
      Then all 30 sign-ins succeed, and at least 5 calls were answered meanwhile

    Scenario Outline: A sign-in with <what> is refused, and changes nothing
      When ada tries to sign in with <what>
      Then both nodes refuse the sign-in, and nothing has changed

      Examples:
        | what                          |
        | no password                   |
        | a password that is a number   |
        | a list of passwords           |
        | half of a letter              |
        | no name                       |
        | a name that is an object      |
        | the name in capitals          |
        | a blank after the password    |

    Scenario: No secret is in a log or in Redis, whatever has gone wrong
      When ada signs in, rightly and wrongly, and uses every kind of token while this and that fails
      Then no password, token or key is in the log of any container
      And Redis holds no token, and of passwords only hashes by Argon2id
