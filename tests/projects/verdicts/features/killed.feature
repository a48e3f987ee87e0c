@L3 @tier3 @mrr.100
Feature: The process is killed

  Scenario: First
    Given a promise is kept

  Scenario: Killed
    Given the process is killed

  Scenario: Next
    Given a promise is kept
