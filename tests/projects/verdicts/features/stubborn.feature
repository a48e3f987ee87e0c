@L3 @tier3 @mrr.100
Feature: A step that no signal ends

  @deadline.500ms
  Scenario: Stubborn
    Given a step hangs and swallows everything

  Scenario: Next
    Given a promise is kept
