@L3 @tier3 @mrr.50
Feature: SIGINT in the middle

  Scenario: Interrupted
    Given SIGINT is sent

  Scenario: Next
    Given a promise is kept
