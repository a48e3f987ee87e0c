@L3 @tier3 @mrr.0
Feature: The disk fills up

  Scenario: Fills
    Given the disk of the reports is full

  Scenario: Next
    Given a promise is kept
