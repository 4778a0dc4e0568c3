// What a policy says of caches wrongly is refused, with the file and the mistake.

// RUN: echo '{"schema": "tamis.policy.v1", "cache": 7}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=OBJECT
// OBJECT: error: {{.*}}.json: its 'cache' is no object; docs/pruning.md has the keys of a policy

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "oldest"}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=RULE
// RULE: its 'cache' has no 'rule' window, pages or snapkv

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "window", "page": 16}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=KEY
// KEY: its 'cache' has the key 'page', which the rule 'window' has not

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "pages", "page": 0}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=NUMBER
// NUMBER: its 'cache' has a 'page' that is no integer from 1 to 16777216

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "snapkv", "pool": 4}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=POOL
// POOL: its 'cache' has a 'pool' that is even: it has as many rows on either side

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "pages"}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=STEPS
// STEPS: its 'cache' has no list 'steps' with an element

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "pages", "steps": [{"name": "a", "window": 4}]}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=AMOUNT
// AMOUNT: a step of its 'cache' has no 'name', or no 'pages' that is an integer from 1 to 16777216

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "snapkv", "window": 4, "steps": [{"name": "a", "capacity": 4}]}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=CAPACITY
// CAPACITY: the step 'a' of its 'cache' has a 'capacity' of 4, which the 'window' of 4 takes up, so that nothing is chosen; take 5 at least

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "window", "steps": [{"name": "a", "window": 4, "sinks": 1}]}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=STEP
// STEP: a step of its 'cache' has the key 'sinks', which there is not

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "window", "steps": [{"name": "dense", "window": 4}]}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=NAME
// NAME: two steps of its 'cache' are named 'dense'; step 'dense' is there by itself

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "window", "steps": [{"name": "a", "window": 4}], "chosen": "b"}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=CHOSEN
// CHOSEN: there is no step 'b' of its 'cache' to be chosen

// RUN: echo '{"schema": "tamis.policy.v1", "cache": {"rule": "window", "steps": [{"name": "a", "window": 4}]}, "tokens": {}}' > %t.json
// RUN: not tamis-opt %s --token-evict=policy=%t.json 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH: has both 'tokens', which is for encoders, and 'cache', which is for decoders

module {}
