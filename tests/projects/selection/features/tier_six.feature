@L3 @tier6 @mrr.100
Feature: tier_six

  Scenario: Kept
    Given a promise is kept
