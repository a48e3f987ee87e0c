@L3 @tier5 @mrr.40000 @container.consul @container.toxiproxy @container.platform
Feature: Calls find a healthy instance, whatever dies
  Every part of the platform calls others, and finds them in a registry. When an instance dies, is replaced or is unwell,
  or when the registry itself is away, customers must not notice: a call that goes to a dead instance, or nowhere, is an
  error on somebody's screen, and an empty list is an outage of everything.

  Two gateways call three instances of a service, which register themselves in Consul. Consul checks each instance every
  second and takes it out after 2 failed checks in a row; an instance also sends heartbeats, and is taken out when it has
  been silent for 2 s. Calls are counted by the instances.

  Background:
    Given two gateways that call three healthy instances

  Rule: Without Consul, calls go on as before

    Scenario Outline: Calls go on while Consul <is away>
      Given callers who call through both gateways all the time
      When Consul <is away>
      Then no call fails for 4 s
      And 30 calls through each of both gateways reach all instances alike

      Examples:
        | is away |
        | is down |
        | hangs   |

    Scenario: Consul comes back with an empty list, and instances take a while to register
      Given callers who call through both gateways all the time
      And all instances are cut off from Consul
      When Consul restarts and has lost everything
      Then for 4 s Consul lists nobody, and no call fails

    Scenario: After Consul has lost everything, instances register again and changes are noticed again
      Given Consul has counted 40 changes of the service
      When Consul restarts and has lost everything
      Then within 8 s all instances are listed again
      And when the first instance fails its checks, no gateway calls it from 1 s after it is out

  Rule: Calls go to all healthy instances alike, and to no other

    # It stays dead: what becomes of it takes a minute, and is looked at by the last scenario.
    Scenario: Every instance gets the same number of calls
      Given an instance of another service has crashed
      When 150 calls are made through each of both gateways
      Then each of all instances has answered 100 calls

    Scenario Outline: A gateway that finds instances by <way> <calls> an instance that <state>
      Given the first instance <state>
      When 60 calls are made through the first gateway, which finds instances by <way>
      Then the first instance has answered <count> calls

      Examples:
        | state                       | way   | calls           | count |
        | warns                       | watch | still calls     | 20    |
        | warns                       | DNS   | still calls     | 20    |
        | fails its checks            | watch | no longer calls | 0     |
        | fails its checks            | DNS   | no longer calls | 0     |

    Scenario: When all instances fail their checks at once, all of them are called
      When all instances fail their checks
      Then 30 calls through each of both gateways reach all instances alike
      And 3 s later 30 calls through each of both gateways reach all instances alike

  Rule: A gateway that did not hear Consul for a while makes up for it

    Scenario: It learns what it missed, and does not hammer Consul meanwhile
      Given the first gateway is cut off from Consul
      And the first instance fails its checks meanwhile
      When the first gateway reaches Consul again
      Then within 2 s the first gateway no longer calls the first instance
      And it had tried to connect at most 10 times meanwhile

  Rule: It takes several checks in a row to take an instance out, and to bring it back

    Scenario: Two failed checks take it out, and two good ones bring it back
      When the first instance fails its checks until it is out, and then passes them until it is back
      Then it went out at its 2nd failed check, and came back at its 2nd good one
      And it was out within 3 s

    Scenario: An instance that fails every other check stays in
      When the second instance fails every other of 7 checks
      Then it was never out

  Rule: An instance that stands still is noticed by its silence

    Scenario: A frozen instance is out within 3 s, and after that costs no caller anything
      When the second instance freezes
      Then the second instance is out within 3 s
      And 1 s later 20 calls through each of both gateways are answered within 1 s each, none of them by it

  Rule: A new instance gets calls as soon as it is ready, and not before

    Scenario: It gets its first call after its first good check, and within 2 s of it
      Given callers who call through both gateways all the time
      And Consul's list is watched
      When the third instance restarts
      Then the third instance gets its first call after its first good check, and within 2 s of being listed

  Rule: An instance that ends is out of the list first

    Scenario: It leaves the list, does what it has begun, and only then stops answering
      Given callers who call through both gateways all the time
      And the first instance is working on calls that take 1.2 s
      When the first instance is asked to end
      Then Consul no longer lists it before it stops answering
      And it has answered what it was working on
      And no call has failed

    Scenario: A roll-out of all instances costs no call
      Given callers who call through both gateways all the time
      When all instances are replaced one after the other
      Then no call has failed

  Rule: A call is answered by whom it is meant for

    Scenario: Instances that were set up alike are each listed
      When 30 calls are made through the second gateway, which finds instances by watch
      Then Consul lists 3 instances of the service
      And each of all instances has answered 10 calls

    Scenario: Another service has got the address of an instance that died
      Given the first gateway is cut off from Consul
      When the third instance dies and a stranger gets its address
      Then 60 calls through the first gateway are all answered by the others

    Scenario: A call that asks for a tag is answered by an instance that has it
      Given another instance of the service with the tag canary
      When 30 calls are made that ask for the tag canary
      Then it has answered all of them, and no other instance got one

    Scenario Outline: A call of <nobody> is refused, and reaches no instance
      When <nobody> is called through each of both gateways
      Then the callers hear that there is no such thing, and no instance got a call

      Examples:
        | nobody                                |
        | a service that nobody has registered  |
        | a tag that no instance has            |

    Scenario: A registration that makes no sense costs no call
      Given Consul also lists instances without a port, at no address, and at a name that nobody has
      When 24 calls are made through each of both gateways
      Then all of these calls are answered

  Rule: An instance that has crashed is forgotten after a minute

    # Consul waits for a minute at the least, and looks every 30 s.
    @deadline.120s
    Scenario: It is listed as failing for a minute, and then no longer
      Given an instance of another service has crashed
      When a minute has passed since
      Then Consul still lists it until then, and no longer after 100 s
