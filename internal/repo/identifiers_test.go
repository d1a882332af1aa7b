package repo

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
	"testing"
)

// renamed are names that the glossary has replaced, with what it has for them. Case
// does not matter. Words that mean themselves somewhere, such as a room of Daily's, are
// not among them.
var renamed = map[string]string{
	"taken": "accepted", "doubtful": "ambiguous", "doubted": "responseLost", "artefact": "artifact", "idle": "needsDeployment", "onlyScales": "scalingOnly",
	"undo": "revert", "undoes": "reverts", "reverse": "revert", "restores": "reverts", "untold": "notReported, irreversible", "ofBuild": "previousFromBuild",
	"repeated": "retrying", "unread": "retrying, or what was not read", "unseen": "staleRead", "patience": "lookupDelays, timeout",
	"unlogged": "a failure in Output", "goodBefore": "canRevertTo", "uncontested": "stillOurs", "toBucket": "isUpload", "strike": "inject", "laggy": "readLag", "sealed": "skipUnpack",
	"look": "observe, poll, read", "see": "observe", "unreconciled": "awaitingOperator", "noRevision": "awaitingRevision", "lags": "isStale", "alive": "heartbeat", "signOfLife": "heartbeat",
	"away": "unreachable", "trouble": "platformIssue", "ours": "target", "missed": "baseline", "waiting": "once",
	"stopped": "cancelled", "denied": "unauthorized", "lacks": "validate", "tame": "redactKey", "clipper": "truncator", "barren": "cannotReinclude", "ruling": "decision",
	"weak": "secondary", "dull": "uninformative", "mild": "advisory", "tells": "compare", "differs": "compare, match", "contradicts": "compare", "lost": "responseLost",
	"doubt": "responseLost", "doubts": "responseLost", "hold": "backOff", "holds": "hasAll, known", "looked": "a read",
}

// TestIdentifiers holds that types, functions, fields and variables of packages do not
// have names that the glossary has replaced.
func TestIdentifiers(t *testing.T) {
	instead := map[string]string{}
	for old, now := range renamed {
		instead[strings.ToLower(old)] = now
	}
	exempt := regexp.MustCompile(`^(?:internal/(?:e2e|repo|simulator|webpage)|cmd)(?:/|$)`)
	for _, p := range packages(t) {
		if exempt.MatchString(p.Dir) {
			continue
		}
		eachFile(t, p, func(fset *token.FileSet, file *ast.File) {
			check := func(names ...*ast.Ident) {
				for _, name := range names {
					if now, old := instead[strings.ToLower(name.Name)]; old {
						t.Errorf("%s: %s; the glossary has: %s", fset.Position(name.Pos()), name.Name, now)
					}
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					check(n.Name)
				case *ast.TypeSpec:
					check(n.Name)
				case *ast.Field:
					check(n.Names...)
				case *ast.GenDecl:
					for _, spec := range n.Specs {
						if spec, ok := spec.(*ast.ValueSpec); ok {
							check(spec.Names...)
						}
					}
				}
				return true
			})
		})
	}
}
