@L3 @tier3 @mrr.0
Feature: The page cannot be written

  Scenario: In the way
    Given something is in the way of the page
