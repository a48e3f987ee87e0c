@L3 @tier1
Feature: no_worth

  Scenario: Kept
    Given a promise is kept
