@L3 @tier1 @tier2 @mrr.100
Feature: two_tiers

  Scenario: Kept
    Given a promise is kept
