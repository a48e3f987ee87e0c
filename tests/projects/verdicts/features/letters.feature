@L3 @tier3 @mrr.75000 @container.redis
Feature: Größe, 日本 & <i>c</i> 🙂

  Scenario: Über alles
    Given Zoë is told "tschüß" in letters that nobody can write
