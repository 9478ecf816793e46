module github.com/holdfast-iam/holdfast

go 1.26
