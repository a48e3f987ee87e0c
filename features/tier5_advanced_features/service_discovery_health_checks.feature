@L3 @tier5 @mrr.40000 @container.consul @container.toxiproxy @container.platform
Feature: Calls find a healthy instance, whatever dies
  Every part of the platform calls others, and finds them in a registry. When an instance dies, is replaced or is unwell,
  or when the registry itself is away, customers must not notice: a call that goes to a dead instance, or nowhere, is an
  error on somebody's screen, and an empty list is an outage of everything.

  Two gateways call three instances of a service, which register themselves in Consul. Consul checks each instance every
  second and takes it out after 2 failed checks in a row; an instance also sends heartbeats, and is taken out when it has
  been silent for 2 s. Calls are counted by the instances. A gateway knows them by a watch, or asks Consul's DNS, and a
  call may ask for a tag that an instance has: where nothing else is said, calls are made in all of these ways.

  Background:
    Given two gateways that call three healthy instances

  Rule: Without Consul, calls go on as before

    # It counts its changes from 1 again, and whoever waits for number 41 by then waits long.
    Scenario: Consul goes down and comes back having lost everything
      Given callers who call through both gateways all the time
      And Consul has counted 40 changes of the service
      When Consul is down
      Then calls of a service that was never called before are put off
      And for 2 s more no call fails, and most take at most 4 times as long as before
      And 6 calls of each kind through each of both gateways are shared evenly by all instances
      And when Consul is back, all instances are listed again within 8 s, and a change is noticed within 1 s

    # An instance that is waited for in vain is to be told as such, also on a busy machine.
    @deadline.120s
    Scenario: Consul comes back with an empty list, and instances take a while to register
      Given callers who call through both gateways all the time
      And all instances are cut off from Consul
      When Consul restarts and has lost everything
      Then for 3 s Consul lists nobody, and no call fails
      And the third instance ends when it is asked to, and serves within 20 s once it is started again
      And when all instances reach Consul again, they are listed within 8 s

    Scenario: Consul hangs for a while
      Given callers who call through both gateways all the time
      And it is known since when each instance is listed
      When Consul hangs
      Then calls of a service that was never called before are put off
      And for 2 s more no call fails, and most take at most 4 times as long as before
      And 3 calls of each kind through each of both gateways are shared evenly by all instances
      And when Consul goes on, all instances are listed as before within 8 s, and a change is noticed within 1 s

  Rule: A new service is found as soon as it has an instance

    Scenario: The first instance of a service is found by gateways that were asked for it too early
      Given a service was called before there was any
      When its first instance starts
      Then each of both gateways finds it within 2 s of its being listed

  Rule: Calls go to all healthy instances alike, and to no other

    # It stays dead, and the last scenario tells what becomes of it. Consul looks 30, 60 and 90 s after its start, and it
    # is to be dead for a minute at the last of these.
    Scenario: Instances that were set up alike are each listed, and get as many calls
      When an instance of another service crashes
      Then Consul lists 3 instances of the service
      And 12 calls of each kind through each of both gateways are shared evenly by all instances

    Scenario: An instance that warns is called on, and one that fails its checks is not
      Given the first instance warns
      When the second instance fails its checks
      Then 12 calls of each kind through each of both gateways are shared evenly by all but the second instance

    Scenario: When all instances fail their checks at once, all of them are called
      When all instances fail their checks
      Then 6 calls of each kind through each of both gateways are shared evenly by all instances
      And so they are 3 s later

    # 20 tags with names that look alike: for every number of instances that are well, warn, fail or are not there.
    Scenario: A call that asks for a tag is answered by the healthy instances that have it
      When Consul lists instances under 20 tags, by which they are well, warn, fail or are not there
      Then calls for each tag are shared evenly by those that do not fail by it, or by all that have it, if all fail
      And so they are 1 s after every tag has changed

  Rule: A gateway that did not hear Consul for a while makes up for it

    # It may pause for a second between two tries, and then needs a moment.
    Scenario: It learns what it missed, and does not hammer Consul meanwhile
      Given the first gateway is cut off from Consul
      And the first instance fails its checks meanwhile
      When the first gateway reaches Consul again
      Then within 3 s the first gateway no longer calls the first instance
      And it had tried to connect at most 5 times a second meanwhile

  Rule: It takes several checks in a row to take an instance out, and to bring it back

    Scenario: Two failed checks take an instance out, two good ones bring it back, and every other failed one does nothing
      Given the second instance fails every other check
      When the first instance fails its checks until it is out, and then passes them until it is back
      Then it went out at its 2nd failed check, and came back at its 2nd good one
      And it was out within 3 s
      And the second instance was never out in 7 checks

  Rule: An instance that stands still is noticed by its silence

    # It is out when it has been silent for 2 s. By checks alone, each of which waits for its answer, that
    # would take 9 s.
    Scenario: A frozen instance is out within 3 s, and after that costs no caller anything
      When the second instance freezes
      Then the second instance is out within 3 s
      And 1 s later 10 calls of each kind through each of both gateways are answered within 1 s each, none of them by it

  Rule: An instance that is replaced is called neither for too long nor too early

    # A busy machine takes 10 s to end an instance and start it again.
    @deadline.120s
    Scenario: In a roll-out each instance leaves the list, does what it has begun, and only then stops answering
      Given callers who call through both gateways all the time
      And the first instance is working on calls that take 1.2 s
      When all instances are replaced, two at a time
      Then the first instance has answered what it was working on
      And each of all instances left Consul's list before it stopped answering
      And no call has failed

    Scenario: It gets its first call after its first good check, and within 2 s of it
      Given callers who call through both gateways all the time
      And Consul's list is watched
      When the third instance restarts
      Then the third instance gets its first call after its first good check, and within 2 s of being listed

  Rule: A call is answered by whom it is meant for

    Scenario: Services and tags whose names look alike are told apart
      When services with names much like the instances' are registered at their addresses
      Then no instance is given a call of one of these
      And calls of services and tags that there are not are refused as unknown, however they are spelt
      And 6 calls of each kind through each of both gateways are shared evenly by all instances

    Scenario: A registration that makes no sense costs no call
      When Consul also lists instances without a port, where nothing listens, and at addresses that nobody has
      Then all of 8 calls of each kind through each of both gateways are answered

    Scenario: Another service has got the address of an instance that died
      Given the first gateway is cut off from Consul
      When the third instance dies and a stranger gets its address
      Then 12 calls through the first gateway are all answered by the others

  Rule: An instance that has crashed is forgotten after a minute

    # Consul waits for a minute at the least, and looks every 30 s. On its own this scenario first has to start something
    # that can crash.
    @deadline.180s
    Scenario: It is listed as failing for a minute, and then no longer
      Given an instance of another service has crashed
      When a minute has passed since
      Then Consul still lists it until then, and no longer after 100 s
