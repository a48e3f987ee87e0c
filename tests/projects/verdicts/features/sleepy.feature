@L3 @tier3 @mrr.100
Feature: Another one

  Scenario: Slow
    Given a step hangs

  Scenario: Next
    Given a promise is kept
