package buildcontext

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// secretFixed are the files in which programs keep credentials, and the folders
// that have such files, or the history of what was removed since. Like all that
// follows here, they are in lower case.
var secretFixed = map[string]bool{
	".aws": true, ".azure": true, ".envs": true, ".git": true, ".gnupg": true, ".kube": true, ".secrets": true, ".ssh": true,

	".boto": true, ".dockercfg": true, ".dockerconfigjson": true, ".git-credentials": true, ".htpasswd": true, ".my.cnf": true, ".mylogin.cnf": true,
	".netrc": true, "_netrc": true, ".npmrc": true, ".pgpass": true, ".pypirc": true, ".s3cfg": true, ".secret": true, ".terraformrc": true, ".vault-token": true,
	"accesskeys.csv": true, "kubeconfig": true, "rootkey.csv": true,
}

// secretEndings are those of private keys, of what contains them, and of Terraform's
// values. A certificate or a public key is no secret.
var secretEndings = []string{".key", ".pem", ".p8", ".p12", ".pfx", ".pk8", ".pkcs12", ".jks", ".keystore", ".kdbx", ".ppk", ".tfvars", ".tfstate"}

// stage is what names of one and the same file differ by.
const stage = `(?:local|prod(?:uction)?|dev(?:elopment)?|stag(?:e|ing)|test|qa|ci|old|bak|backup|\d+)`

// secretNames match whole names. Each is tried only on a name that has its text,
// because a context may have many files.
var secretNames = []struct {
	has  string
	name *regexp.Regexp
}{
	{".env", regexp.MustCompile(`^\.env(?:rc)?(?:[^a-z].*)?$`)},                                              // .env, .env.local, .env-prod, .envrc
	{"env.", regexp.MustCompile(`^(?:.*\.)?env\.` + stage + `$`)},                                            // env.local
	{".env", regexp.MustCompile(`\.env(?:\.` + stage + `)?$`)},                                               // prod.env
	{"id_", regexp.MustCompile(`^(?:.*[-_.])?id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[-_.]` + stage + `)?$`)}, // of SSH
	{"gha-creds-", regexp.MustCompile(`^gha-creds-.*\.json$`)},                                               // of google-github-actions/auth
	{"account", regexp.MustCompile(`^(?:.*[-_.]|gcp|google|firebase)?service[-_]?account(?:s|[-_]?key)?(?:[-_.].*)?\.json$`)},
	{"firebase", regexp.MustCompile(`^(?:.*[-_.])?firebase-adminsdk.*\.json$`)},
	{"secret", regexp.MustCompile(`^(?:.*[-_.])?client[-_]?secrets?(?:[-_.].*)?\.json$`)},
	{"cred", regexp.MustCompile(`^(?:.*[-_.]|aws|gcp|google)?(?:credentials?|creds)(?:[-_.]` + stage + `)?\.(?:json|ya?ml|toml|ini|csv)$`)},
	{"secret", regexp.MustCompile(`^(?:.*[-_.])?secrets?(?:[-_.]` + stage + `)?\.(?:json|ya?ml|toml|ini)$`)},
}

// IsSecret reports whether a file or folder of this name may hold secrets, whatever
// the case of its letters. Such a one is excluded whatever the rules say, unless
// one of them names it: see naming.
func IsSecret(name string) bool {
	name = strings.ToLower(name)
	if secretFixed[name] || slices.Contains(secretEndings, path.Ext(name)) {
		return true
	}
	for _, s := range secretNames {
		if strings.Contains(name, s.has) && s.name.MatchString(name) {
			return true
		}
	}
	return false
}

// naming returns what of a pattern may name a secret: the pattern without the
// wildcards at its end that stand for all that a folder has, as in .git/**. It is
// empty where nothing of the last part stands for itself: neither *.* nor sub/**
// names a file of sub.
func naming(pattern string) string {
	parts := strings.Split(pattern, "/")
	for len(parts) > 1 && strings.Trim(parts[len(parts)-1], "*") == "" {
		parts = parts[:len(parts)-1]
	}
	if !hasLiteral(parts[len(parts)-1]) {
		return ""
	}
	return strings.Join(parts, "/")
}

var wildcard = regexp.MustCompile(`\[(?:\\.|[^\\\]])*\]|[*?]`)

// hasLiteral reports whether a part of a pattern has a letter or a digit that
// stands for itself.
func hasLiteral(part string) bool {
	return strings.ContainsFunc(wildcard.ReplaceAllString(part, ""), func(c rune) bool { return unicode.IsLetter(c) || unicode.IsDigit(c) })
}
