@L3 @tier1 @mrr.50000 @container.redis
Feature: sound

  Scenario: Kept
    Given a promise is kept
