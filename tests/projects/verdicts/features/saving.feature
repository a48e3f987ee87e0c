@L3 @tier2 @saving.100000 @fragile
Feature: A saving

  Scenario: Saved
    Given a promise is kept
