@L3 @tier1 @mrr.100 @saving.100
Feature: two_worths

  Scenario: Kept
    Given a promise is kept
