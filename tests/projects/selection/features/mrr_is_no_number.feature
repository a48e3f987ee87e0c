@L3 @tier1 @mrr.abc
Feature: mrr_is_no_number

  Scenario: Kept
    Given a promise is kept
