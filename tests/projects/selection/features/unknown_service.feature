@L3 @tier1 @mrr.100 @container.reddis
Feature: unknown_service

  Scenario: Kept
    Given a promise is kept
