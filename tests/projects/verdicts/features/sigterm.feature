@L3 @tier3 @mrr.50
Feature: SIGTERM in the middle

  Scenario: Interrupted
    Given SIGTERM is sent

  Scenario: Next
    Given a promise is kept
