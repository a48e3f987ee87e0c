@L3 @tier3 @mrr.100
Feature: The process is gone at once

  Scenario: First
    Given a promise is kept

  Scenario: Gone
    Given the process is gone at once

  Scenario: Next
    Given a promise is kept
