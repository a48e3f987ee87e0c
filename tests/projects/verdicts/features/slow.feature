@L3 @tier3 @mrr.100
Feature: A step that takes a minute

  Scenario: Slow
    Given a step hangs

  Scenario: Next
    Given a promise is kept
