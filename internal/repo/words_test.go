package repo

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// words are patterns that neither users nor readers of the code should meet, in lower
// case, with what to write instead. A finding has one of the keys. A space also
// matches the end of a line.
var words = []struct{ keys, pattern, instead string }{
	{"told|tell", `\b(?:is|are|was|were|be|not|never|none|it|and|as|one) told\b|\btold (?:of|that|at|as|by|once|to|about|\d)\b|\btells\b|\bnot tell\b`, "reports, says, shows, unknown"},
	{", for ", `, for (?:it|they|this|there|what|some of|nothing)\b|, for (?:a|an|the|its|no|one|our|only) \w+(?: [\w-]+){0,4} (?:is|are|was|were|has|have|had|can|cannot|could|does|may|might|must|needs|asks|reports|says)\b`, "because, or two sentences"},
	{"what", `\bwhat (?:ran|runs|served) before\b`, "the previous version, the previous deployment"},
	{"what", `\bwhat (?:is there|was built)\b`, "the current version, the build, or name the thing"},
	{"word", `\b(?:in|as|without|is|of) a word\b|\bown words\b`, "output, error output, or name the thing"},
	{"anew", `\banew\b`, "again, new"},
	{"meanwhile", `\bmeanwhile\b`, "during, in the meantime"},
	{"beforehand", `\bbeforehand\b`, "first, before"},
	{"same", `\ball the same\b`, "anyway, still"},
	{"be it", `\bbe it\b`, "or, even, including"},
	{"by now", `\bby now\b`, "already"},
	{"most", `\bat the most\b`, "at most, maximum"},
	{"a line", `\ba (?:pattern|name|file|key) a line\b`, "one per line"},
	{"own", `\bof (?:its|their|his) own\b`, "own, separate, itself"},
	{"another", `\banother's\b`, "another client's, or whose it is"},
	{"none", `\bthat (?:is|are) none\b`, "invalid, unknown"},
	{"goes|went", `\b(?:goes|went) on\b`, "continues"},
	{"comes|came", `\b(?:comes|came) to\b`, "is, ends, results in"},
	{"stay", `\bstays? out\b`, "is excluded"},
	{"is for", `\bis for \w+(?: \w+)? to (?:say|decide|tell|judge)\b`, "X decides"},
	{"makes up", `\bmakes up\b`, "combines, invents"},
	{"look", `\b(?:a|each|every|no|one|last|first|next) look\b|\b(?:two|several|between|of|%d) looks\b`, "poll, read"},
	{"patience", `\bpatience\b`, "timeout, Retry-After"},
	{"of life", `\bsigns? of life\b`, "heartbeat"},
	{"room", `\b(?:no|has|takes the) room\b|\broom (?:is )?(?:left|for)\b`, "space, limit"},
	{"barren", `\bbarren\b`, "cannot be re-included"},
	{"taken", `\b(?:may have been|(?:update|key|request|change|call) (?:is|was|were|not)) taken\b|\btaken (?:or|no longer)\b`, "accepted"},
	{"take|took", `\b(?:does|did|would|could) not take (?:the|a|an|it|%s)\b|\b(?:takes|took) (?:the|a|our|that) (?:key|update|request|call|change|rollback|creation|build)\b`, "accepts, answers, rejects"},
	{"takes|took", `\b(?:platform|api|server|bucket|organization) (?:takes|took)\b`, "accepts"},
	{"clear answer", `\bno clear answer\b`, "no usable response"},
	{"spelt|licence|behaviour|colour|artefact|whilst", `\b(?:spelt|licences?|behaviours?|colours?|artefacts?|whilst)\b`, "the American form"},
}

// quoted are words that others wrote, or that name something.
var quoted = []struct{ file, text string }{
	{"internal/diagnosis/hinttexts_test.go", "error: no room"}, // an agent's output
	{"cmd/pack/main_test.go", "Licence.txt"},                   // the name of a file
}

// archives have a comment of ours, and then what others print.
const archives = "internal/diagnosis/testdata/"

// foreign are files whose words are not ours, and those that list the words.
var foreign = regexp.MustCompile(`^LICENSE$|^go\.sum$|^internal/repo/(?:words|identifiers)_test\.go$|^internal/simulator/contract\.yaml$|^docs/images/|requirements\.(?:txt|in)$`)

// TestWords holds that texts, comments and the names of tests are in plain American
// English.
func TestWords(t *testing.T) {
	patterns, keys := make([]*regexp.Regexp, len(words)), make([][]string, len(words))
	for i, w := range words {
		patterns[i], keys[i] = regexp.MustCompile(w.pattern), strings.Split(w.keys, "|")
	}
	all, used := texts(t), map[int]bool{}
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if foreign.MatchString(file) {
			continue
		}
		text := all[file]
		if strings.HasPrefix(file, archives) {
			text, _, _ = strings.Cut(text, "\n-- ")
		}
		lines := append(strings.Split(text, "\n"), "")
		for n, line := range lines[:len(lines)-1] {
			// What begins on this line may end on the next.
			text := strings.ToLower(strings.TrimRight(line, " \t\r") + " " + strings.TrimLeft(lines[n+1], " \t/#*-"))
			for i, w := range words {
				if !slices.ContainsFunc(keys[i], func(key string) bool { return strings.Contains(text, key) }) {
					continue
				}
				at := patterns[i].FindStringIndex(text)
				if at == nil || at[0] >= len(line) {
					continue
				}
				if q := slices.IndexFunc(quoted, func(q struct{ file, text string }) bool { return q.file == file && strings.Contains(line, q.text) }); q >= 0 {
					used[q] = true
					continue
				}
				t.Errorf("%s:%d: %q; write: %s", file, n+1, text[at[0]:at[1]], w.instead)
			}
		}
	}
	for i, q := range quoted {
		if !used[i] {
			t.Errorf("%s has no finding with %q", q.file, q.text)
		}
	}
}
