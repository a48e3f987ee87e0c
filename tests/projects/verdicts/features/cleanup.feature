@L3 @tier3 @mrr.0
Feature: Ctrl-C in a clean-up

  Scenario: Interrupted
    Given a clean-up during which Ctrl-C is pressed

  Scenario: Next
    Given a promise is kept
