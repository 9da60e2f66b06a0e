# Moran, Geary, local Moran and LM tests of Columbus by spdep.
# python tests/golden/cases.py FOLDER; cd tests/golden/columbus; Rscript recipe.R FOLDER > log.txt   (writes expected.json)
library(spdep); library(jsonlite)
folder <- commandArgs(TRUE)[1]
d <- read.csv(file.path(folder, "columbus.csv"))
links <- read.csv(file.path(folder, "columbus_w.csv"))
w <- matrix(0, 49, 49); w[cbind(links$row, links$col) + 1] <- links$w
lw <- mat2listw(w, style = "W")

htest <- function(h, names) setNames(as.list(c(unname(h$estimate), unname(h$statistic), h$p.value)), names)
random <- moran.test(d$CRIME, lw, alternative = "two.sided")
normal <- moran.test(d$CRIME, lw, randomisation = FALSE, alternative = "two.sided")
geary <- geary.test(d$CRIME, lw, alternative = "two.sided")
print(random); print(normal); print(geary)

lm0 <- lm(CRIME ~ HOVAL + INC, data = d)
rs <- lm.RStests(lm0, lw, test = "all")
print(summary(rs))

local <- localmoran(d$CRIME, lw, conditional = TRUE, alternative = "two.sided")
set.seed(1)
perm <- localmoran_perm(d$CRIME, lw, nsim = 99999, alternative = "two.sided", no_repeat_in_row = TRUE)
print(head(local)); print(head(perm))

write_json(list(
  program = paste(R.version.string, "spdep", packageVersion("spdep")),
  data = "cases.columbus()",
  expected = list(
    moran_randomisation = htest(random, c("I", "EI", "VI", "z", "p_two_sided")),
    moran_normality = htest(normal, c("I", "EI", "VI", "z", "p_two_sided")),
    geary = htest(geary, c("C", "EC", "VC", "z", "p")),
    lm_tests = lapply(rs, function(t) list(stat = unname(t$statistic), p = unname(c(t$p.value)))),
    localmoran = list(Ii = local[, 1], E = local[, 2], V = local[, 3], Z = local[, 4], p = local[, 5],
                      quadr = as.character(attr(local, "quadr")$mean)),
    localmoran_perm = list(folded = unname(perm[, "Pr(folded) Sim"])))),
  "expected.json", auto_unbox = TRUE, digits = NA, pretty = 1)
print(sessionInfo()$R.version$version.string); print(packageVersion("spdep"))
