package crash

// buildHints are for builds that fail. Each looks at a line of the log at a
// time, and those that tell more than others come before them.
var buildHints = []hint{}
