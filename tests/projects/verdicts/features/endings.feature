@L3 @tier1 @mrr.100000 @container.redis
Feature: Every way in which a scenario can end

  Scenario: Kept
    Given a promise is kept

  Scenario: Broken
    Given a promise is broken

  Scenario: Bug
    Given a step has a bug

  Scenario: Library
    Given a library's own assertion does not hold

  Scenario: Late
    Given the suite stands still for 3 s, and finds something late

  Scenario: Leaves
    Given a step leaves by SystemExit

  Scenario: Pending
    Given a step is pending

  @wip
  Scenario: Pending in progress
    Given a step is pending

  Scenario: Undefined
    Given nobody has defined this

  @deadline.0.5s
  Scenario: Hangs
    Given a step hangs

  @deadline.500ms
  Scenario: Hangs and asserts
    Given a step hangs and makes an assertion of it

  Scenario: Cleanup
    Given a clean-up fails

  Scenario: Broken, then a clean-up fails
    Given a clean-up fails
    And a promise is broken

  Scenario: Nested undefined
    Given a nested step is not defined

  Scenario: Nested broken
    Given a nested promise is broken

  Scenario: Skipped
    Given it is skipped
    Then a promise is kept

  Scenario: Without steps

  Scenario Outline: A row of <number>
    Given a promise is kept

    Examples:
      | number | colour |
      | one    | red    |
      | two    | blue   |
